./text.txt
