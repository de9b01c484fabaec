//! The tray's pictures, carried in the program: pixmaps of each state and the small marks of the menu.
//!
//! Refuses: icon themes. A symbolic icon is recoloured by some desktops and stays black on black on others; a light
//! picture with a dark rim is readable on all.

use std::collections::HashMap;

use kopi_notify::tray::{Mark, TrayIcon};

/// The pixmaps of one icon, all sizes.
pub type Pixmaps = Vec<ksni::Icon>;

macro_rules! sizes {
    ($name:literal) => {
        [
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-16.png")).as_slice(),
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-22.png")).as_slice(),
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-24.png")).as_slice(),
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-32.png")).as_slice(),
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-44.png")).as_slice(),
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-48.png")).as_slice(),
        ]
    };
}

macro_rules! mark {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../icons/marks/", $name, ".png")).as_slice()
    };
}

/// All pictures, decoded once.
pub struct Pictures {
    icons: HashMap<(TrayIcon, bool), Pixmaps>,
}

impl Pictures {
    /// Decodes them. A picture that does not decode is left out; the tests decode them all.
    pub fn load() -> Self {
        let mut icons = HashMap::new();
        for icon in TrayIcon::ALL {
            for badge in [false, true] {
                icons.insert(
                    (icon, badge),
                    files(icon, badge).into_iter().filter_map(decode).collect(),
                );
            }
        }
        Self { icons }
    }

    /// The pixmaps of a state.
    pub fn of(&self, icon: TrayIcon, badge: bool) -> Pixmaps {
        self.icons.get(&(icon, badge)).cloned().unwrap_or_default()
    }
}

/// PNG of a menu's mark.
pub fn mark(mark: Mark) -> &'static [u8] {
    match mark {
        Mark::Failed => mark!("failed"),
        Mark::Blocked => mark!("blocked"),
        Mark::Running => mark!("running"),
        Mark::Working => mark!("working"),
        Mark::Ok => mark!("ok"),
        Mark::Degraded => mark!("degraded"),
    }
}

fn files(icon: TrayIcon, badge: bool) -> [&'static [u8]; 6] {
    match (icon, badge) {
        (TrayIcon::NeedsYou, false) => sizes!("needs-you"),
        (TrayIcon::NeedsYou, true) => sizes!("needs-you-badge"),
        (TrayIcon::Acknowledged, false) => sizes!("acknowledged"),
        (TrayIcon::Acknowledged, true) => sizes!("acknowledged-badge"),
        (TrayIcon::Working, false) => sizes!("working"),
        (TrayIcon::Working, true) => sizes!("working-badge"),
        (TrayIcon::Well, false) => sizes!("well"),
        (TrayIcon::Well, true) => sizes!("well-badge"),
        (TrayIcon::Offline, false) => sizes!("offline"),
        (TrayIcon::Offline, true) => sizes!("offline-badge"),
        (TrayIcon::Focus, false) => sizes!("focus"),
        (TrayIcon::Focus, true) => sizes!("focus-badge"),
    }
}

/// 8-bit RGBA to the ARGB in network order that the tray's protocol wants.
fn decode(file: &[u8]) -> Option<ksni::Icon> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    if info.color_type != png::ColorType::Rgba || info.bit_depth != png::BitDepth::Eight {
        return None;
    }
    pixels.truncate(info.buffer_size());
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    Some(ksni::Icon {
        width: i32::try_from(info.width).ok()?,
        height: i32::try_from(info.height).ok()?,
        data: pixels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_every_size_and_its_own_picture() {
        let pictures = Pictures::load();
        let mut seen = Vec::new();
        for icon in TrayIcon::ALL {
            for badge in [false, true] {
                let pixmaps = pictures.of(icon, badge);
                let widths: Vec<_> = pixmaps.iter().map(|pixmap| pixmap.width).collect();
                assert_eq!(widths, [16, 22, 24, 32, 44, 48], "{icon:?} {badge}");
                for pixmap in &pixmaps {
                    assert_eq!(pixmap.data.len(), (pixmap.width * pixmap.height * 4) as usize);
                }
                assert!(!seen.contains(&pixmaps[1].data), "{icon:?} {badge} looks like another");
                seen.push(pixmaps[1].data.clone());
            }
        }
    }
}
