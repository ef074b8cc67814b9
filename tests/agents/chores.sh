# What agents' shells do all day. The model has it run, so that what is recorded and what is held against a strict filter
# is more than one `echo`. It ends with the first command that fails.
set -euo pipefail

rm -rf chores
git init --quiet chores
cd chores
git config user.name chores
git config user.email chores@example.com

printf 'one\ntwo\nthree\n' > list
cp list copy
mkdir -p deep/er
mv copy deep/er/
ln -s deep/er/copy link
chmod 600 list
touch -d '2020-01-01' list
grep -rn two list deep > found
find . -name copy -type f | wc -l > count
sed -i 's/one/1/' list
sort -r list | head -n 2 > sorted
diff list deep/er/copy > difference || [ $? = 1 ]
tar czf all.tar.gz list deep && tar tzf all.tar.gz > /dev/null

git add --all
git commit --quiet -m first
git checkout --quiet -b other
echo more >> list
git commit --quiet -am second
git log --oneline | wc -l > commits
git status --short
git checkout --quiet -
git merge --quiet other
git gc --quiet

(sleep 0.1 & wait)
for _ in 1 2 3; do true; done | cat
rm -r deep
cd ..
rm -rf chores
