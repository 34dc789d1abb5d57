//! What went wrong, and the exit code it has.
//!
//! The codes are the contract's: 1 failed, 2 wrong usage or value, 3 not found, 4 refused in this state, 5 the store
//! can't be opened. Everything that fails ends here, so that a script can rely on them.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use altair_core::{Error, ErrorKind};
use serde_json::json;

use crate::paint::{self, Paint};

/// Why a command ended before its work was done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong.
    Failed {
        /// The exit code.
        code: u8,
        /// What sort of thing went wrong.
        kind: ErrorKind,
        /// What happened, to what.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// Whoever read our output has gone, as `head` does: no reason to complain.
    ReaderGone,
}

impl Failure {
    /// A wrong argument or value.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::invalid(message, hint).into()
    }

    /// A failure of the machine or of this program.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Error::internal(message).into()
    }

    /// The engine didn't open the store: that has an exit code of its own, unless what was asked for was wrong.
    pub(crate) fn opening(error: Error) -> Self {
        let usual = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Refused);
        match Self::from(error) {
            Self::Failed { kind, message, hint, .. } if !usual => Self::Failed { code: 5, kind, message, hint },
            failure => failure,
        }
    }

    /// A usage error that clap found, in our own shape.
    pub(crate) fn usage_error(error: &clap::Error) -> Self {
        use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand};
        if matches!(error.kind(), DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand) {
            return Self::usage("a command is missing", "`altair --help` lists the commands");
        }
        let text = error.render().to_string();
        let one_line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = || text.split("\n\n").map(one_line);
        let message = parts().next().unwrap_or_default();
        let tips: Vec<String> = parts().filter_map(|part| part.strip_prefix("tip: ").map(str::to_owned)).collect();
        let hint =
            if tips.is_empty() { "`--help` after the command tells how to use it".to_owned() } else { tips.join("; ") };
        Self::usage(message.strip_prefix("error: ").unwrap_or(&message), hint)
    }

    /// Tells on stderr what went wrong, and gives the exit code.
    pub(crate) fn report(self, json: bool) -> ExitCode {
        let Self::Failed { code, kind, message, hint } = self else { return ExitCode::SUCCESS };
        let mut stderr = io::stderr().lock();
        // When stderr is closed there is nobody left to tell; the exit code still says it.
        let _ = if json {
            writeln!(stderr, "{}", json!({"error": {"kind": kind, "message": message, "hint": hint}}))
        } else {
            let paint = Paint::for_terminal(stderr.is_terminal());
            let (message, hint) = (paint::safe_text(&message), paint::safe_text(&hint));
            writeln!(stderr, "{} {message}\n{} {hint}", paint.red("error:"), paint.cyan("hint:"))
        };
        ExitCode::from(code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Invalid => 2,
            ErrorKind::NotFound => 3,
            ErrorKind::Refused | ErrorKind::Conflict => 4,
            ErrorKind::Locked | ErrorKind::Corrupt | ErrorKind::Unsupported => 5,
            ErrorKind::Internal | ErrorKind::Closed => 1,
        };
        Self::Failed { code, kind: error.kind(), message: error.message().to_owned(), hint: error.hint().to_owned() }
    }
}

/// A failure of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        let message = format!("the output couldn't be written: {error}");
        Error::new(ErrorKind::Internal, message, "check where the output goes, then try again").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(failure: Failure) -> u8 {
        match failure {
            Failure::Failed { code, .. } => code,
            Failure::ReaderGone => 0,
        }
    }

    #[test]
    fn every_kind_has_the_contracts_exit_code() {
        let cases = [
            (ErrorKind::Invalid, 2, 2),
            (ErrorKind::NotFound, 3, 3),
            (ErrorKind::Refused, 4, 4),
            (ErrorKind::Conflict, 4, 5),
            (ErrorKind::Locked, 5, 5),
            (ErrorKind::Corrupt, 5, 5),
            (ErrorKind::Unsupported, 5, 5),
            (ErrorKind::Internal, 1, 5),
            (ErrorKind::Closed, 1, 5),
        ];
        for (kind, usual, opening) in cases {
            assert_eq!(code(Error::new(kind, "x", "y").into()), usual, "{kind:?}");
            assert_eq!(code(Failure::opening(Error::new(kind, "x", "y"))), opening, "{kind:?} while opening");
        }
    }
}
