//! Standard output and standard error: what is written where, in colour or not, how wide, and what a closed pipe means.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::report::{Style, printable};

use super::args::{Common, When};

/// Lines wider than this are hard to read, however wide the terminal is.
const WIDEST: usize = 180;

/// The two streams and how they are to be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    /// Neither progress nor notes.
    pub(super) quiet: bool,
    /// Timings, and reports that list everything.
    pub(super) verbose: bool,
    when: When,
    width: usize,
}

impl Console {
    /// Looks at the environment once.
    pub(super) fn new(common: &Common) -> Self {
        let width = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok())
            .or_else(|| {
                terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
            });
        Self {
            quiet: common.quiet,
            verbose: common.verbose,
            when: common.color,
            width: width.filter(|width| *width > 0).unwrap_or(80).min(WIDEST),
        }
    }

    /// How a report on standard output looks.
    pub(super) fn style(&self) -> Style {
        Style {
            color: self.colored(io::stdout().is_terminal()),
            width: self.width,
            all: self.verbose,
        }
    }

    /// How a report in a file looks.
    pub(super) fn style_of_file(&self) -> Style {
        Style {
            color: self.when == When::Always,
            width: 80,
            all: self.verbose,
        }
    }

    /// Standard error may be coloured.
    pub(super) fn colors_errors(&self) -> bool {
        self.colored(io::stderr().is_terminal())
    }

    /// A person is watching standard error and wants to know what goes on.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal() && std::env::var_os("CI").is_none()
    }

    fn colored(&self, terminal: bool) -> bool {
        match self.when {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                terminal
                    && !anstyle_query::no_color()
                    && anstyle_query::term_supports_ansi_color()
                    && anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
            }
        }
    }

    /// Writes a remark to standard error, unless it is to be quiet.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            complain(&format!("{}\n", printable(text)));
        }
    }
}

/// Writes a report to standard output. A reader that has gone away is no failure.
///
/// # Errors
/// When the stream cannot be written for another reason, such as a full disk.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes to standard error; when even that fails there is nobody left to tell.
pub(super) fn complain(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes());
}
