"""Lock files into the packages they pin: one reader per family of formats, chosen by file name in `reading`."""
