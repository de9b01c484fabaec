//! What the window is started with: `kopi-desktop [--home DIR] [--demo] [kopi://item/…]`.

use std::path::PathBuf;

use kopi_model::ItemId;

/// What a person sees when they ask.
pub const HELP: &str = "kopi-desktop: Kopi's window\n\n\
    Usage: kopi-desktop [OPTIONS] [kopi://item/ITEM]\n\n\
    Options:\n  --home DIR   one folder for everything (also KOPI_HOME)\n  \
    --demo       with the demo office\n  --hidden     start the agent without a window\n  \
    --version    say the version\n  --help       say this\n";

/// The arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// One folder for everything.
    pub home: Option<PathBuf>,
    /// Switch the demo office on.
    pub demo: bool,
    /// No window: only see to it that the core runs.
    pub hidden: bool,
    /// Say the version and end.
    pub version: bool,
    /// Say how it is used and end.
    pub help: bool,
    /// Show this item.
    pub item: Option<ItemId>,
    /// With its log.
    pub log: bool,
}

/// Reads them.
///
/// # Errors
/// The words for one that is not understood.
pub fn read(words: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--home" => arguments.home = Some(words.next().ok_or("--home needs a folder")?.into()),
            "--demo" => arguments.demo = true,
            "--hidden" => arguments.hidden = true,
            "--version" | "-V" => arguments.version = true,
            "--help" | "-h" => arguments.help = true,
            link if link.starts_with("kopi://") => {
                let (item, log) = read_link(link).ok_or_else(|| format!("{link}: not a link to an item"))?;
                arguments.item = Some(item);
                arguments.log = log;
            }
            other => return Err(format!("{other}: not understood; try --help")),
        }
    }
    Ok(arguments)
}

/// `kopi://item/build:drone/acme/web%23877?log`. A browser may have escaped more than it had to, or a person nothing.
fn read_link(link: &str) -> Option<(ItemId, bool)> {
    let rest = link.strip_prefix("kopi://item/")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let item = ItemId::from(unescape(path.trim_end_matches('/'))?);
    item.kind()?;
    Some((item, query == "log"))
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let [high, low, tail @ ..] = tail else { return None };
            let digit = |byte: u8| char::from(byte).to_digit(16);
            bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Option<(String, bool)> {
        read_link(text).map(|(item, log)| (item.as_str().to_owned(), log))
    }

    #[test]
    fn links_are_read_however_they_were_escaped() {
        let build = Some(("build:drone/acme/web#877".to_owned(), false));
        assert_eq!(link("kopi://item/build:drone/acme/web%23877"), build);
        assert_eq!(link("kopi://item/build%3Adrone%2Facme%2Fweb%23877/"), build);
        assert_eq!(link("kopi://item/build:drone/acme/web#877"), build);
        let service = Some(("service:rancher/1s47".to_owned(), true));
        assert_eq!(link("kopi://item/service:rancher/1s47?log"), service);
    }

    #[test]
    fn what_is_no_item_is_no_link() {
        for bad in [
            "kopi://item/",
            "kopi://other/build:a/b",
            "kopi://item/nuke:a/b",
            "kopi://item/build:%f",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
        assert!(read(["kopi://item/x".to_owned()]).is_err());
        assert!(read(["--what".to_owned()]).is_err());
    }
}
