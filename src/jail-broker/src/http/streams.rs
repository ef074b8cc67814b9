//! The streams of one connection of HTTP/2. They run in the connection's own task, so each of them
//! ends with it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::rt::Executor;

type Stream<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// All of them.
#[derive(Clone)]
pub(super) struct Streams<'a>(Rc<New<'a>>);

/// Those that were not polled yet.
struct New<'a> {
    streams: RefCell<Vec<Stream<'a>>>,
    waker: RefCell<Waker>,
}

impl<'a> Streams<'a> {
    pub(super) fn new() -> Self {
        let waker = RefCell::new(Waker::noop().clone());
        Self(Rc::new(New { streams: RefCell::default(), waker }))
    }

    /// Runs them, for as long as it is polled.
    pub(super) async fn run(&self) {
        let mut running = FuturesUnordered::new();
        poll_fn(|context| {
            self.0.waker.borrow_mut().clone_from(context.waker());
            loop {
                running.extend(self.0.streams.borrow_mut().drain(..));
                let polled = running.poll_next_unpin(context);
                let is_done = !matches!(polled, Poll::Ready(Some(())));
                if is_done && self.0.streams.borrow().is_empty() {
                    return Poll::<()>::Pending;
                }
            }
        })
        .await;
    }
}

impl<'a, F: Future<Output = ()> + 'a> Executor<F> for Streams<'a> {
    fn execute(&self, stream: F) {
        self.0.streams.borrow_mut().push(Box::pin(stream));
        self.0.waker.borrow().wake_by_ref();
    }
}

/// What runs until it ends by itself: the client's side of a connection.
#[derive(Clone, Copy)]
pub(super) struct Local;

impl<F: Future + 'static> Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move {
            task.await;
        });
    }
}
