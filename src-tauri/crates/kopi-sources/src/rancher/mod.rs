//! Source `rancher`: Rancher 1.6 ("Cattle").

pub mod fake;
mod parse;
mod settings;
mod states;
#[cfg(test)]
mod tests;
