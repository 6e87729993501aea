"""A visitor's own labelled images: found in a zip file or folder, drawn into val and test, decoded."""
