//! Structured logs on standard error, as JSON or text, at a level that can be changed while running.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line, for log stores.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Why logging could not be set up, or its level not be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is not one.
    #[error("{level:?} is not a log level: write one such as info, or a filter such as info,sgbind=debug")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// Something in this process logs already.
    #[error("logging was set up before")]
    AlreadySet(#[from] TryInitError),
    /// Logging has ended.
    #[error("the log level can no longer be changed")]
    Gone(#[from] reload::Error),
}

/// Changes the level of a running process.
#[derive(Clone, Debug)]
pub struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    /// From now on logs what `level` lets through: a level, or a filter in the syntax of
    /// tracing-subscriber's `EnvFilter`.
    ///
    /// # Errors
    /// [`Error::Level`], and then nothing changes; [`Error::Gone`].
    pub fn set(&self, level: &str) -> Result<(), Error> {
        Ok(self.0.reload(parse(level)?)?)
    }
}

/// Begins to log to standard error for the whole process.
///
/// # Errors
/// [`Error::Level`]; [`Error::AlreadySet`] if called twice.
pub fn init(format: Format, level: &str) -> Result<Level, Error> {
    let (subscriber, level) = subscriber(format, level, io::stderr, io::stderr().is_terminal())?;
    subscriber.try_init()?;
    Ok(level)
}

fn subscriber<W>(
    format: Format,
    level: &str,
    writer: W,
    colours: bool,
) -> Result<(impl Subscriber + Send + Sync, Level), Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(parse(level)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    let lines = match format {
        Format::Json => lines.json().flatten_event(true).boxed(),
        Format::Text => lines.boxed(),
    };
    Ok((tracing_subscriber::registry().with(filter).with(lines), Level(handle)))
}

fn parse(level: &str) -> Result<EnvFilter, Error> {
    EnvFilter::builder().parse(level).map_err(|source| Error::Level { level: level.into(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn log(format: Format, level: &str, write: impl FnOnce(Level)) -> String {
        let written = Written::default();
        let writer = written.clone();
        let (subscriber, level) = subscriber(format, level, move || writer.clone(), false).unwrap();
        with_default(subscriber, || write(level));
        written.text()
    }

    #[test]
    fn json_lines_carry_fields_and_spans() {
        let line = log(Format::Json, "info", |_| {
            let _span = tracing::info_span!("reconcile", group = "sg-1").entered();
            tracing::info!(rules = 3, "authorized");
        });
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["message"], &line["rules"], &line["level"]),
            (&"authorized".into(), &3.into(), &"INFO".into())
        );
        assert_eq!(line["span"]["group"], "sg-1");
    }

    #[test]
    fn text_lines_are_plain() {
        let line = log(Format::Text, "info", |_| tracing::info!(rules = 3, "authorized"));
        assert!(line.ends_with("authorized rules=3\n"), "{line:?}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }

    #[test]
    fn the_level_can_be_changed_and_a_wrong_one_changes_nothing() {
        let text = log(Format::Text, "warn", |level| {
            tracing::info!("one");
            level.set("sgbind=info").unwrap();
            tracing::info!("two");
            let error = level.set("sgbind=loud").unwrap_err();
            assert!(error.to_string().contains("sgbind=loud"), "{error}");
            tracing::info!("three");
        });
        let said = |word| text.contains(word);
        assert_eq!((said("one"), said("two"), said("three")), (false, true, true), "{text}");
    }
}
