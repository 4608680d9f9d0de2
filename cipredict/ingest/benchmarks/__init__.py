"""Result files of benchmark tools into records: a decoder per tool, chosen by what a file holds (`reading`)."""
