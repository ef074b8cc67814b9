# Completions of jailgen for bash.

_jailgen() {
    local words=() index=0 word line
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]}
        # Bash breaks words at `=`: `--jail=a` is one of ours.
        if ((i > 0)) && [[ ${words[-1]} == --* && ( $word == = || ${words[-1]} == *= ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        ((i == COMP_CWORD)) && index=$((${#words[@]} - 1))
    done
    local current=${COMP_WORDS[COMP_CWORD]} typed=${words[index]}
    [[ $current == = ]] && current=

    # What is typed in quotes, or with backslashes, is compared as it is meant.
    local plain=${current#[\"\']}
    plain=${plain//\\/}

    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            ':files .jail')
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -X '!*.jail' -- "$plain"; compgen -d -- "$plain")
                # A spec may be called otherwise.
                ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$plain")
                ;;
            :files)
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$plain")
                ;;
            :folders)
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -d -- "$plain")
                ;;
            *)
                line=${line%%$'\t'*}
                [[ $current != "$typed" ]] && line=${line#*=}
                COMPREPLY+=("$line")
                ;;
        esac
    done < <(jailgen complete "$index" -- "${words[@]}" 2>/dev/null)
}

complete -F _jailgen jailgen
