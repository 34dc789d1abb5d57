//! Where the engine's log goes: to a listener, line by line, and never so that the engine waits for it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::{AltairError, ListenerError};
use crate::runtime;

/// Lines that wait for the listener; what comes on top of them is passed over.
const WAITING: usize = 1024;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[allow(missing_docs, reason = "the usual ones")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// A line of the log.
#[derive(Debug, Clone, uniffi::Record)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The room that it comes from.
    pub target: String,
    /// What happened.
    pub message: String,
}

/// Takes the log.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait LogListener: Send + Sync {
    /// A line.
    async fn on_line(&self, line: LogLine) -> Result<(), ListenerError>;
}

/// Where lines go, from a level on.
struct Sink {
    level: LogLevel,
    lines: mpsc::Sender<LogLine>,
    /// What gives the lines to the listener.
    giving: AbortHandle,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.giving.abort();
    }
}

static SINK: Mutex<Option<Sink>> = Mutex::new(None);
/// Lines that were passed over since the last that wasn't.
static PASSED_OVER: AtomicU64 = AtomicU64::new(0);

/// Sends the log of this process to a listener, from a level on; without one it goes nowhere.
#[uniffi::export]
pub fn log_to(level: LogLevel, listener: Option<Arc<dyn LogListener>>) -> Result<(), AltairError> {
    static INSTALLED: Once = Once::new();
    // Where the process has a subscriber of its own already, the log is in its hands.
    INSTALLED.call_once(|| drop(tracing_subscriber::registry().with(Forward).try_init()));
    let sink = match listener {
        None => None,
        Some(listener) => {
            let (lines, mut waiting) = mpsc::channel(WAITING);
            let giving = runtime::handle()?.spawn(async move {
                while let Some(line) = waiting.recv().await {
                    // A listener that throws is asked again: a log that falls silent is worse.
                    let _ = listener.on_line(line).await;
                }
            });
            Some(Sink { level, lines, giving: giving.abort_handle() })
        }
    };
    *SINK.lock().unwrap_or_else(PoisonError::into_inner) = sink;
    PASSED_OVER.store(0, Ordering::Release);
    tracing::callsite::rebuild_interest_cache();
    Ok(())
}

/// Passes on what this project's own crates say: what others log may hold somebody's notes.
struct Forward;

fn filter() -> LevelFilter {
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    match sink.as_ref().map(|sink| sink.level) {
        None => LevelFilter::OFF,
        Some(LogLevel::Error) => LevelFilter::ERROR,
        Some(LogLevel::Warn) => LevelFilter::WARN,
        Some(LogLevel::Info) => LevelFilter::INFO,
        Some(LogLevel::Debug) => LevelFilter::DEBUG,
    }
}

impl<S: Subscriber> Layer<S> for Forward {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("altair") && *metadata.level() <= filter()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(filter())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = String::new();
        event.record(&mut Words(&mut message));
        let metadata = event.metadata();
        let level = match *metadata.level() {
            tracing::Level::ERROR => LogLevel::Error,
            tracing::Level::WARN => LogLevel::Warn,
            tracing::Level::INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        };
        let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sink) = sink.as_ref() else { return };
        let missed = PASSED_OVER.swap(0, Ordering::AcqRel);
        if missed > 0 {
            let _ = write!(message, " ({missed} lines before this one were passed over)");
        }
        let line = LogLine { level, target: metadata.target().to_owned(), message };
        if sink.lines.try_send(line).is_err() {
            PASSED_OVER.fetch_add(missed + 1, Ordering::AcqRel);
        }
    }
}

/// The message first, then what it speaks of.
struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        let _ = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
    }
}
