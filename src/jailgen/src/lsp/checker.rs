//! Specs are compiled in a thread of their own, so that a long evaluation delays no answer.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gen_lsp_types::{Diagnostic, PublishDiagnosticsParams, Uri};
use jail_lang::MemorySources;
use lsp_server::{Message, Notification};

use super::diagnostics;
use super::documents::{Document, Documents};
use crate::compile::{Compiled, compile_from};

/// The spec is compiled this long after the last key: faults of half a word are of no use.
const PAUSE: Duration = Duration::from_millis(80);

/// The name of a text that was never saved.
const UNTITLED: &str = "untitled.jail";

/// The thread that compiles. It ends with this value.
pub(super) struct Checker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    documents: Documents,
    changed: Changed,
}

enum Changed {
    /// The text of one document.
    One(String),
    /// What is open, or what is saved.
    Any,
}

impl Checker {
    pub(super) fn start(editor: impl Fn(Message) -> bool + Send + 'static) -> Self {
        let (jobs, inbox) = channel();
        let work = move || {
            Work {
                editor,
                documents: Documents::default(),
                due: BTreeSet::new(),
                checked: BTreeMap::new(),
            }
            .run(&inbox);
        };
        // Without a thread there are no diagnostics, but all the rest.
        let thread = thread::Builder::new().name("checker".into()).spawn(work).ok();
        Self { jobs: Some(jobs), thread }
    }

    /// Checks a document whose text has changed, and what reads it.
    pub(super) fn check(&self, documents: &Documents, changed: &Uri) {
        self.send(documents, Changed::One(changed.0.clone()));
    }

    /// Checks everything that is open.
    pub(super) fn check_all(&self, documents: &Documents) {
        self.send(documents, Changed::Any);
    }

    fn send(&self, documents: &Documents, changed: Changed) {
        if let Some(jobs) = &self.jobs {
            // A thread that is gone has reported the reason itself.
            let _ = jobs.send(Job { documents: documents.clone(), changed });
        }
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work<E> {
    /// Sends a message; false when the receiver is gone.
    editor: E,
    documents: Documents,
    /// The documents that are still to be checked.
    due: BTreeSet<String>,
    checked: BTreeMap<String, Checked>,
}

/// What came of a document.
struct Checked {
    /// The files that it read.
    reads: BTreeSet<PathBuf>,
    faults: BTreeMap<String, Vec<Diagnostic>>,
}

impl<E: Fn(Message) -> bool> Work<E> {
    fn run(mut self, inbox: &Receiver<Job>) {
        while let Ok(job) = inbox.recv() {
            self.take(job);
            let mut pause = PAUSE;
            loop {
                match inbox.recv_timeout(pause) {
                    Ok(job) => {
                        self.take(job);
                        pause = PAUSE;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => match self.due.pop_first() {
                        Some(uri) => {
                            self.check(uri);
                            pause = Duration::ZERO;
                        }
                        None => break,
                    },
                }
            }
        }
    }

    fn take(&mut self, job: Job) {
        self.documents = job.documents;
        match job.changed {
            Changed::Any => self.due.extend(self.documents.all().map(|it| it.uri.0.clone())),
            Changed::One(uri) => {
                let path = self.documents.get(&Uri(uri.clone())).and_then(|it| it.path.clone());
                let reads = |checked: &Checked| {
                    path.as_ref().is_some_and(|path| checked.reads.contains(path))
                };
                let readers = self.checked.iter().filter(|(_, checked)| reads(checked));
                self.due.extend(readers.map(|(uri, _)| uri.clone()));
                self.due.insert(uri);
            }
        }
        self.forget_closed();
    }

    /// What a closed document said about files is no longer true.
    fn forget_closed(&mut self) {
        let is_open = |uri: &String| self.documents.get(&Uri(uri.clone())).is_some();
        let closed: Vec<_> = self.checked.keys().filter(|uri| !is_open(uri)).cloned().collect();
        for uri in closed {
            let faults =
                self.checked.remove(&uri).map(|checked| checked.faults).unwrap_or_default();
            faults.into_keys().for_each(|file| self.publish(file));
        }
    }

    fn check(&mut self, uri: String) {
        let Some(document) = self.documents.get(&Uri(uri.clone())).cloned() else { return };
        // A panic of the compiler is reported on standard error; what was known of the document
        // before stays.
        let checked = catch_unwind(AssertUnwindSafe(|| self.compile(&document)));
        let Ok(checked) = checked else { return };
        let mut files: BTreeSet<String> = checked.faults.keys().cloned().collect();
        files.insert(uri.clone());
        if let Some(before) = self.checked.insert(uri, checked) {
            files.extend(before.faults.into_keys());
        }
        files.into_iter().for_each(|file| self.publish(file));
    }

    fn compile(&self, document: &Document) -> Checked {
        let path = document.path.as_deref().unwrap_or(Path::new(UNTITLED));
        let folder = document.path.as_deref().and_then(Path::parent);
        let compiled = match folder.map(|folder| self.documents.below(folder)) {
            Some(Ok(sources)) => compile_from(&sources, path),
            // A folder that is not there has no other files either.
            Some(Err(_)) | None => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                compile_from(&MemorySources::new([(&*name, &*document.text)]), path)
            }
        };
        self.sorted(document, compiled)
    }

    fn sorted(&self, document: &Document, compiled: Compiled) -> Checked {
        let Compiled { path, files, mut diagnostics, .. } = compiled;
        if !document.is_spec() || self.is_imported(document) {
            diagnostics.retain(diagnostics::is_of_the_text);
        }
        let uri_of = |name: &str| match document.path {
            Some(_) if Path::new(name) != path => self.documents.uri_of(&path.with_file_name(name)),
            _ => document.uri.clone(),
        };
        let reads = files.all().iter().map(|file| path.with_file_name(&file.name)).collect();
        Checked { reads, faults: diagnostics::by_file(&diagnostics, &files, &uri_of) }
    }

    /// Whether another open document reads this one: then it need not be a spec itself.
    fn is_imported(&self, document: &Document) -> bool {
        let Some(path) = &document.path else { return false };
        let mut others = self.checked.iter().filter(|(uri, _)| **uri != document.uri.0);
        others.any(|(_, checked)| checked.reads.contains(path))
    }

    /// Sends the editor all that is known of a file, from every document.
    fn publish(&self, file: String) {
        let mut all: Vec<Diagnostic> = Vec::new();
        for fault in self.checked.values().filter_map(|checked| checked.faults.get(&file)).flatten()
        {
            if !all.contains(fault) {
                all.push(fault.clone());
            }
        }
        let uri = Uri(file);
        let version = self.documents.get(&uri).map(|document| document.version);
        let params = PublishDiagnosticsParams { uri, version, diagnostics: all };
        let method = "textDocument/publishDiagnostics".to_owned();
        // When the editor is gone, the conversation ends on its own.
        let _ = (self.editor)(Notification::new(method, params).into());
    }
}
