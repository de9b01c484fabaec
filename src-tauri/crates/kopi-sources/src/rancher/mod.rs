//! Source `rancher` (under construction).
