{ a = 1; b = import ./number.nix; }
