//! The grant that this program was given: the token that it greets hosts with, read from a descriptor that it inherited.
//!
//! Not from a variable or an argument, which other programs could read, and which would go on to whatever it starts.

use std::env;
use std::fs::File;
use std::io::Read as _;

use crate::failure::Failure;

/// Names the descriptor.
pub(crate) const VARIABLE: &str = "ALTAIR_GRANT_FD";
/// No token is longer, in bytes.
const LONGEST: u64 = 4096;

/// The token of this program's grant; `None` for one that may do everything.
pub(crate) fn held() -> Result<Option<String>, Failure> {
    let Some(given) = env::var_os(VARIABLE).filter(|given| !given.is_empty()) else { return Ok(None) };
    // Who was meant to do less must not do more because the grant was lost on the way.
    let wrong = |why: &str| {
        let message = format!("{VARIABLE}={} is not a grant: {why}", given.display());
        Failure::usage(
            message,
            "start this program with its descriptors left open, or unset the variable to do without a grant",
        )
    };
    if cfg!(windows) {
        return Err(wrong("there are no descriptors to read it from on Windows"));
    }
    let number: u32 = given.to_str().and_then(|given| given.parse().ok()).ok_or_else(|| wrong("it is no number"))?;
    // Opened anew, so that every program that inherited it reads it from the beginning.
    let file = File::open(format!("/dev/fd/{number}")).map_err(|error| wrong(&error.to_string()))?;
    let mut token = String::new();
    file.take(LONGEST).read_to_string(&mut token).map_err(|error| wrong(&error.to_string()))?;
    match token.trim() {
        "" => Err(wrong("there is nothing in it")),
        token => Ok(Some(token.to_owned())),
    }
}
