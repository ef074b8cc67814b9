//! The jails of a spec or of a wrapper, with what is dangerous about each of them: what `explain`
//! says in words, `report` draws and `diff` compares.

use std::path::{Path, PathBuf};

use jail_lang::Files;
use jail_policy::Policy;

use super::declared::Declared;
use super::{Context, clean, compile, compile_here, given, shown, wrapper};
use crate::cli::failure::Failure;
use crate::compile::Compiled;
use crate::explain::{Explanation, explain};
use crate::findings::{Finding, findings};
use crate::revision;

/// See the module.
pub(super) struct Explained {
    jails: Vec<(Policy, Vec<Finding>)>,
    pub(super) declared: Declared,
    /// What the spec is written in; of a wrapper, nothing.
    pub(super) files: Option<Files>,
    /// The wrapper, if it is one.
    pub(super) wrapper: Option<PathBuf>,
}

impl Explained {
    /// What a word of the command line means, or one jail of it.
    pub(super) fn load(
        target: &Path,
        jail: Option<&str>,
        context: Context,
    ) -> Result<Self, Failure> {
        let mut explained = match wrapper::of_word(target)? {
            Some(read) => Self::of_wrapper(read),
            None => {
                given::check(target, given::Wanted::SpecOrCommand)?;
                Self::of_spec(clean_but_dangers(compile_here(target)?, context)?)
            }
        };
        if let Some(wanted) = jail {
            explained.keep(wanted)?;
        }
        Ok(explained)
    }

    /// One of two that are compared: what [`Self::load`] takes, a folder of wrappers, `/dev/null`
    /// as git names what is not there, or `REVISION:PATH`.
    pub(super) fn load_side(word: &Path, context: Context) -> Result<Self, Failure> {
        if word == Path::new("/dev/null") {
            let declared = Declared::default();
            return Ok(Self { jails: Vec::new(), declared, files: None, wrapper: None });
        }
        let split = word.to_str().and_then(|word| word.split_once(':'));
        if let (false, Some((revision, path))) = (word.exists(), split) {
            return clean_but_dangers(of_revision(revision, path, context)?, context)
                .map(Self::of_spec);
        }
        if word.is_dir() {
            let jails = wrapper::of_folder(word)?.into_iter();
            let jails = jails.flat_map(|read| Self::of_wrapper(read).jails).collect();
            let declared = Declared::default();
            return Ok(Self { jails, declared, files: None, wrapper: None });
        }
        if let Some(read) = wrapper::of_word(word)? {
            return Ok(Self::of_wrapper(read));
        }
        clean_but_dangers(compile(word)?, context).map(Self::of_spec)
    }

    fn of_wrapper(read: wrapper::Read) -> Self {
        let wrapper::Read { file, policy, foreign } = read;
        let mut found: Vec<Finding> =
            foreign.iter().map(|danger| Finding::from_danger(danger, &policy)).collect();
        found.extend(findings(&policy));
        let declared = Declared::default();
        Self { jails: vec![(policy, found)], declared, files: None, wrapper: Some(file) }
    }

    fn of_spec(compiled: Compiled) -> Self {
        let declared = Declared::of_spec(&compiled);
        let jails = compiled.policies.into_iter().zip(compiled.judged).map(|(policy, judged)| {
            let found =
                judged.dangers.iter().map(|danger| Finding::from_danger(danger, &policy)).collect();
            (policy, found)
        });
        let jails = jails.collect();
        Self { jails, declared, files: Some(compiled.files), wrapper: None }
    }

    fn keep(&mut self, wanted: &str) -> Result<(), Failure> {
        let known: Vec<&str> = self.jails.iter().map(|(policy, _)| policy.name.as_str()).collect();
        if !known.contains(&wanted) {
            return Err(Failure::no_such_jail(wanted, &known));
        }
        self.jails.retain(|(policy, _)| policy.name == wanted);
        Ok(())
    }

    /// All of them in words.
    pub(super) fn explanations(&self) -> Vec<Explanation> {
        self.jails.iter().map(|(policy, found)| explain(policy, found.clone())).collect()
    }

    pub(super) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.jails.iter().map(|(policy, _)| policy)
    }
}

/// A spec that compiles. What is dangerous about it is part of what it grants, so it is not said
/// before.
fn clean_but_dangers(mut compiled: Compiled, context: Context) -> Result<Compiled, Failure> {
    compiled.diagnostics.retain(|diagnostic| diagnostic.danger.is_none());
    clean(compiled, context)
}

fn of_revision(revision: &str, path: &str, context: Context) -> Result<Compiled, Failure> {
    let surroundings = context.surroundings()?;
    let git = surroundings.program("git").ok_or_else(|| {
        Failure::with_help(
            "there is no `git` that can be run",
            "a `git` in the project itself is not run",
        )
    })?;
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let here =
        here.map_err(|error| Failure::new(format!("the working folder cannot be found: {error}")))?;
    revision::compile(&git, &here, revision, path)
        .map_err(|error| Failure::new(format!("`{revision}:{}`: {error}", shown(Path::new(path)))))
}
