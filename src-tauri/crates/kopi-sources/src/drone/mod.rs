//! Source `drone` (under construction).
