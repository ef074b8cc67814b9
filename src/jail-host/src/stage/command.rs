//! Configurations of git, the words of the commands in them, and what each may name.

/// A configuration that is to be read.
pub(super) struct Configuration {
    pub(super) path: Vec<u8>,
    /// The folder that git works in.
    pub(super) work: Vec<u8>,
    /// It lies in a folder `.git`.
    pub(super) is_git: bool,
}

/// A word of a command.
pub(super) struct Word {
    pub(super) place: At,
    /// What it may name, as paths.
    pub(super) paths: Vec<String>,
}

/// Where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Program,
    /// Programs such as `python3 -m` and `node` find a file without its ending.
    Argument,
    /// Behind an option or `cd`: `make -C` works in a folder.
    Folder,
}

/// What a command may name. What stands for something else, such as `$PWD` or `$(git rev-parse
/// --show-toplevel)`, is taken for the folder that git works in.
pub(super) fn words(value: &str) -> Vec<Word> {
    let is_between = |it: char| it.is_whitespace() || "!'\"`;&|()<>={}".contains(it);
    let mut all = vec![Word { place: At::Program, paths: vec![value.to_owned()] }];
    let (mut place, mut before) = (At::Program, "");
    for word in value.split(is_between).filter(|word| !word.is_empty()) {
        let plain = unexpanded(word);
        let relative = plain.trim_start_matches('/');
        let module = plain.replace('.', "/");
        let mut paths: Vec<String> = vec![word.to_owned(), plain.to_owned(), relative.to_owned()];
        paths.push(module.trim_start_matches('/').to_owned());
        // An option with its value in one word, such as `-Csub`.
        paths.extend(word.strip_prefix('-').and_then(|rest| rest.get(1..)).map(str::to_owned));
        paths.retain(|path| !path.is_empty());
        let is_behind = before.starts_with('-') || before == "cd";
        let here = match place {
            At::Program => At::Program,
            At::Argument | At::Folder if is_behind || word.starts_with('-') => At::Folder,
            At::Argument | At::Folder => At::Argument,
        };
        all.push(Word { place: here, paths: paths.clone() });
        if here == At::Folder {
            all.push(Word { place: At::Argument, paths });
        }
        (place, before) = (At::Argument, word);
    }
    all
}

/// A word without a variable at its beginning.
fn unexpanded(word: &str) -> &str {
    let Some((_, rest)) = word.split_once('$') else { return word };
    rest.trim_start_matches(|it: char| it.is_ascii_alphanumeric() || it == '_')
}
