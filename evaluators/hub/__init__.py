"""What comes from the Hub: files, the pictures of data sets, and labs made of them."""
