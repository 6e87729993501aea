"""The page Forgetting (Fig. 1): accuracy against gamma."""
