# A configuration of git with the user's name and address, and nothing else, as /etc/gitconfig inside. Only the user's own
# configuration is asked; a project whose own cannot be read is no reason to stop.
jailgen_identity=
jailgen_backslash='\'
for jailgen_key in name email; do
  jailgen_value=$("$jailgen_git" config --global --includes --get "user.$jailgen_key" 2>/dev/null) ||
    jailgen_value=$(cd / && "$jailgen_git" config --global --includes --get "user.$jailgen_key") ||
    continue
  jailgen_value=${jailgen_value//"$jailgen_backslash"/"$jailgen_backslash$jailgen_backslash"}
  jailgen_value=${jailgen_value//'"'/"$jailgen_backslash"'"'}
  jailgen_value=${jailgen_value//$'\n'/"${jailgen_backslash}n"}
  jailgen_identity+="$jailgen_key = \"$jailgen_value\""$'\n'
done
if [ -n "$jailgen_identity" ]; then
  exec {jailgen_descriptor}< <(printf '[user]\n%s' "$jailgen_identity")
  RUNTIME_ARGS+=(--perms 0444 --ro-bind-data "$jailgen_descriptor" /etc/gitconfig)
else
  echo "git-identity: your git configuration names nobody" >&2
fi
unset jailgen_git jailgen_backslash jailgen_identity jailgen_key jailgen_value
