"""The page Rewarded soups (Fig. 4): two policies mixed in any proportion, with LiNeS and without."""
