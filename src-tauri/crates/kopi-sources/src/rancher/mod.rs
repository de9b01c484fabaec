//! Source `rancher`: Rancher 1.6 ("Cattle").

pub mod fake;
mod parse;
mod states;
