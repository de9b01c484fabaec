//! Linux: the environment that the web view needs before it starts. Setting it in a running process is not safe, so the
//! window starts itself over with it, once.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Starts over with the environment it takes; returns when there is nothing to change.
pub fn prepare() {
    if std::env::var_os(DMABUF).is_some() || !helps(Path::new("/")) {
        return;
    }
    let Ok(own) = std::env::current_exe() else { return };
    let error = Command::new(own)
        .args(std::env::args_os().skip(1))
        .env(DMABUF, "1")
        .exec();
    // Only reached when it failed; then the window opens as it is.
    tracing::warn!(%error, "could not start over with {DMABUF}");
}

/// NVIDIA's driver shows blank windows with it; without a graphics card the software path costs 80 MB more.
fn helps(root: &Path) -> bool {
    let nvidia = root.join("proc/driver/nvidia/version").exists();
    let card = root.join("dev/dri").read_dir().is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("renderD")))
    });
    nvidia || !card
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_it_helps() {
        let root = std::env::temp_dir().join(format!("kopi-renderer-{}", std::process::id()));
        std::fs::create_dir_all(root.join("dev/dri")).unwrap();
        assert!(helps(&root), "no graphics card");
        std::fs::write(root.join("dev/dri/renderD128"), "").unwrap();
        assert!(!helps(&root), "a card with Mesa");
        std::fs::create_dir_all(root.join("proc/driver/nvidia")).unwrap();
        std::fs::write(root.join("proc/driver/nvidia/version"), "").unwrap();
        assert!(helps(&root), "a card with NVIDIA's driver");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
