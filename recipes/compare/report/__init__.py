"""From the compact tables to scores, differences, words, tables and pictures."""
