//! What a person sees while something is waited for.

use std::io::{self, IsTerminal as _, Write as _};

/// A line on the terminal that goes away when this is dropped. Where stderr is no terminal there is none.
#[must_use]
pub struct Waiting {
    shown: bool,
}

/// Says what is waited for.
pub fn waiting_for(what: &str) -> Waiting {
    let shown = io::stderr().is_terminal();
    if shown {
        let _ = write!(anstream::stderr(), "\r{what} …");
        let _ = io::stderr().flush();
    }
    Waiting { shown }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.shown {
            // Erases the line. Source: EL in ECMA-48.
            let _ = write!(io::stderr(), "\r\x1b[K");
            let _ = io::stderr().flush();
        }
    }
}
