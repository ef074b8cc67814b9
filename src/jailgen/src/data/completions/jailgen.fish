# Completions of jailgen for fish.

function __jailgen_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    # Of `--output=a` the file is what follows the sign.
    set -l option (string match --regex '^--[^=]*=' -- $current)
    set -l file (string replace --regex '^--[^=]*=' '' -- $current)
    for line in (jailgen complete (count $words) -- $words $current 2>/dev/null)
        # What fish completes for a command that it does not know: files, with its own quoting.
        set -l paths
        string match --quiet ':f*' -- $line; and set paths (complete --do-complete "__jailgen_files $file")
        switch $line
            case ':files .jail'
                set -l specs (string match --regex '^[^\t]*(?:/|\.jail)(?:\t.*)?$' -- $paths)
                # A spec may be called otherwise.
                test -n "$specs"; or set specs $paths
                printf '%s\n' "$option"$specs
            case ':files'
                printf '%s\n' "$option"$paths
            case ':folders'
                printf '%s\n' "$option"(string match --regex '^[^\t]*/(?:\t.*)?$' -- $paths)
            case '*'
                echo $line
        end
    end
end

complete --command jailgen --no-files --keep-order --arguments '(__jailgen_complete)'
