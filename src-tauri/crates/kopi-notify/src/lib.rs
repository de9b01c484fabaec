//! From a decided notice to words in two languages, and from words to the desktop; what the tray says, as a value.
//!
//! Refuses: deciding what is worth telling (`kopi-model`), any server, any window.

pub mod format;
mod lang;
mod native;
pub mod tray;
mod wish;
pub mod words;

pub use lang::Lang;
pub use native::{Button, ButtonDoes, DesktopState, Loudness, NotifyError, Sender, Showing};
pub use wish::{Does, Wish};
pub use words::{Worded, showing, verb_label, word};
