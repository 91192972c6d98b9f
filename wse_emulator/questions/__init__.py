"""The questions that can be asked, each in the file of its command's name."""
