mod ethereum;
