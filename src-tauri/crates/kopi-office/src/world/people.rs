//! Who works here: logins, names, pace, day, care, and how they write commit messages.
//!
//! Refuses: real people. Every name is made up.

/// How somebody writes commit messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Conventional commits in Chinese.
    Chinese,
    /// Conventional commits in English.
    English,
    /// Never more than "fix".
    Terse,
}

/// Somebody who works here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Login at the forge and the build server.
    pub login: &'static str,
    /// Name.
    pub name: &'static str,
    /// How they write.
    pub hand: Hand,
    /// Pushes an hour while at work.
    pub pace: f64,
    /// First and last hour of the working day, office time.
    pub day: (u8, u8),
    /// Chance that a fresh push passes, at their best hour.
    pub care: f64,
}

/// The person at this desk.
pub const DESK: &str = "linhao";

/// Everybody.
pub const PEOPLE: [Person; 8] = [
    person("linhao", "林浩", Hand::Chinese, 0.9, (9, 19), 0.93),
    person("sunyue", "孙悦", Hand::Chinese, 1.1, (9, 18), 0.86),
    person("zhouhang", "周航", Hand::English, 0.6, (10, 21), 0.90),
    person("zhaomin", "赵敏", Hand::Chinese, 0.5, (8, 18), 0.91),
    person("chenjing", "陈静", Hand::Chinese, 1.3, (9, 19), 0.84),
    person("wuyang", "吴扬", Hand::English, 0.7, (10, 20), 0.89),
    person("xuan", "徐安", Hand::Chinese, 0.8, (9, 18), 0.92),
    person("lixiang", "李想", Hand::Terse, 0.9, (11, 23), 0.80),
];

const fn person(login: &'static str, name: &'static str, hand: Hand, pace: f64, day: (u8, u8), care: f64) -> Person {
    Person {
        login,
        name,
        hand,
        pace,
        day,
        care,
    }
}

/// Somebody by login.
pub fn find(login: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.login == login)
}
