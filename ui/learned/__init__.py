"""Page "Learned coefficients": AdaMerging and aTLAS against LiNeS."""
