//! Recorded answers of a real server become items.
