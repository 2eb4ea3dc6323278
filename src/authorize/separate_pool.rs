//! A separate pool of threads for long evaluations, so that they do not delay the threads that serve.
//!
//! The threads are few and take what waits one after the other. Handing each evaluation to whichever thread is free would
//! wake one thread after another, on processors that are serving others.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

type Task = Box<dyn FnOnce() + Send>;

/// Some threads. They end when it is dropped.
pub(super) struct SeparatePool(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    ended: bool,
}

/// What waits for a thread. It is withdrawn when whoever waits for it goes away.
struct Waiting<Q>(Arc<Mutex<Option<Q>>>);

impl SeparatePool {
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let pool = Self(Arc::default());
        for _ in 0..threads {
            let queue = Arc::clone(&pool.0);
            let thread =
                std::thread::Builder::new().name("verdict-pool".to_owned()).stack_size(verdict_rego::STACK);
            thread.spawn(move || queue.work())?;
        }
        Ok(pool)
    }

    /// Has `work` done on something by the next thread that is free, and waits for it; `None` where that panicked.
    ///
    /// # Errors
    /// Gives back what no thread came to in time.
    pub(super) async fn run<Q, A>(
        &self,
        what: Q,
        patience: Duration,
        work: impl FnOnce(Q) -> A + Send + 'static,
    ) -> Result<Option<A>, Q>
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        let waiting = Waiting(Arc::new(Mutex::new(Some(what))));
        let taken = Arc::clone(&waiting.0);
        let (tell, mut told) = oneshot::channel();
        self.0.push(Box::new(move || {
            let what = lock(&taken).take();
            if let Some(what) = what {
                // Whoever asked may have gone away meanwhile.
                let _ = tell.send(work(what));
            }
        }));
        if let Ok(done) = tokio::time::timeout(patience, &mut told).await {
            return Ok(done.ok());
        }
        // A thread that has begun is waited for: it knows its deadline.
        let withdrawn = lock(&waiting.0).take();
        match withdrawn {
            Some(what) => Err(what),
            None => Ok(told.await.ok()),
        }
    }
}

impl Drop for SeparatePool {
    fn drop(&mut self) {
        lock(&self.0.state).ended = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn push(&self, task: Task) {
        lock(&self.state).tasks.push_back(task);
        self.changed.notify_one();
    }

    fn next(&self) -> Option<Task> {
        let idle = |state: &mut State| state.tasks.is_empty() && !state.ended;
        let state = self.changed.wait_while(lock(&self.state), idle);
        state.unwrap_or_else(PoisonError::into_inner).tasks.pop_front()
    }

    fn work(&self) {
        while let Some(task) = self.next() {
            // What panics is answered for by its caller, who hears nothing.
            let _ = catch_unwind(AssertUnwindSafe(task));
        }
    }
}

impl<Q> Drop for Waiting<Q> {
    fn drop(&mut self) {
        lock(&self.0).take();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A thread that is kept busy until the sender is dropped.
    async fn busy(pool: &Arc<SeparatePool>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let pool = Arc::clone(pool);
        let running = tokio::spawn(async move {
            let work = move |()| {
                begin.send(()).unwrap();
                let _ = released.recv();
            };
            assert_eq!(pool.run((), LONG, work).await, Ok(Some(())));
        });
        begun.await.unwrap();
        (release, running)
    }

    #[tokio::test]
    async fn what_no_thread_comes_to_is_given_back() {
        let pool = Arc::new(SeparatePool::new(1).unwrap());
        let (release, running) = busy(&pool).await;
        let late = pool.run("question", Duration::from_millis(1), |_| unreachable!()).await;
        assert_eq!(late, Err::<Option<()>, _>("question"));
        drop(release);
        running.await.unwrap();
        assert_eq!(pool.run(20, LONG, |n| n + 1).await, Ok(Some(21)));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_begun() {
        let (pool, begun) = (Arc::new(SeparatePool::new(1).unwrap()), Arc::new(AtomicUsize::new(0)));
        let (release, running) = busy(&pool).await;
        let counted = Arc::clone(&begun);
        let gone = pool.run((), LONG, move |()| counted.fetch_add(1, Ordering::SeqCst));
        assert!(tokio::time::timeout(Duration::from_millis(1), gone).await.is_err());
        drop(release);
        running.await.unwrap();
        let counted = Arc::clone(&begun);
        assert_eq!(pool.run((), LONG, move |()| counted.load(Ordering::SeqCst)).await, Ok(Some(0)));
    }

    /// Begun before its patience was over, it is answered after.
    #[tokio::test]
    async fn what_has_begun_is_waited_for() {
        let pool = SeparatePool::new(1).unwrap();
        let ((begin, begun), (release, released)) = (mpsc::channel(), mpsc::channel::<()>());
        let work = move |()| {
            begin.send(()).unwrap();
            released.recv().is_err()
        };
        let running = pool.run((), Duration::from_millis(1), work);
        let releasing = async {
            // Holds up the timer of the other, too.
            begun.recv().unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(release);
        };
        let (done, ()) = tokio::join!(running, releasing);
        assert_eq!(done, Ok(Some(true)));
    }

    #[tokio::test]
    async fn a_panic_ends_neither_the_thread_nor_the_wait() {
        let pool = SeparatePool::new(1).unwrap();
        let panics = |()| -> () { std::panic::resume_unwind(Box::new("as tests do")) };
        assert_eq!(pool.run((), LONG, panics).await, Ok(None));
        assert_eq!(pool.run((), LONG, |()| 1).await, Ok(Some(1)));
    }

    #[tokio::test]
    async fn the_threads_end_with_it() {
        let pool = SeparatePool::new(3).unwrap();
        let queue = Arc::downgrade(&pool.0);
        assert_eq!(queue.strong_count(), 4);
        drop(pool);
        let end = async {
            while queue.strong_count() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LONG, end).await.unwrap();
    }
}
