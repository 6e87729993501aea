"""The text world: invented people, places and things, what is true of them, and seven tasks about them."""
