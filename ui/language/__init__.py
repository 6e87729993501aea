"""The page Text (Fig. 7, Table 3): a language model that forgets, its answers, and merges of it."""
