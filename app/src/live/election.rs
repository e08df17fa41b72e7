//! Which tab of a browser holds the stream of events: one for all, since a browser opens few connections to one host.
//!
//! A tab that is in view looks for the leader. Without an answer it leads: it opens the stream, and passes on what arrives.
//! A leader that goes out of view announces it; one that ends silently is replaced after a time-out. Of two that lead at
//! once the one of the higher number gives way. Web Locks would do the same, but only on HTTPS and loopback;
//! a node in a LAN is often neither. Time and numbers come from outside, in milliseconds.

use serde::{Deserialize, Serialize};

/// How long a tab that comes into view waits for a leader's answer.
const ANSWER_WITHIN: u64 = 250;
/// Pause between two signs of life of the leader.
const BEAT_EVERY: u64 = 1_000;
/// After so long without one the leader is taken to be gone.
const MISSED_AFTER: u64 = 3_500;
/// Over so long the tabs spread themselves, so that not all lead at once.
const SPREAD: u64 = 150;

/// A message between tabs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// Is there a leader?
    Who,
    /// This tab leads; whether its stream is connected.
    Lead { tab: u64, connected: bool },
    /// It leads no more.
    Leave,
    /// What came on the stream: an event's name, and the height that it names.
    Event { name: String, height: Option<u64> },
    /// Events were missed: read everything again.
    Reset,
}

/// What a tab does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Open,
    Close,
    Broadcast(Message),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Out of view: it neither leads nor follows.
    Away,
    /// Follows a leader, or waits for one; at this time it leads itself.
    Follows { until: u64 },
    /// Leads; when it gives the next sign of life.
    Leads { beat: u64 },
}

/// One tab's part in it.
#[derive(Debug)]
pub struct Election {
    tab: u64,
    role: Role,
    connected: bool,
}

impl Election {
    /// A tab of this number, which is drawn at random, not yet in view.
    pub fn new(tab: u64) -> Self {
        Self {
            tab,
            role: Role::Away,
            connected: false,
        }
    }

    pub fn is_away(&self) -> bool {
        self.role == Role::Away
    }

    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leads { .. })
    }

    /// The tab comes into view, or goes out of it.
    pub fn show(&mut self, shown: bool, now: u64) -> Vec<Act> {
        match (shown, self.role) {
            (true, Role::Away) => {
                self.follow(now + ANSWER_WITHIN);
                vec![Act::Broadcast(Message::Who)]
            }
            (false, Role::Leads { .. }) => {
                self.role = Role::Away;
                self.connected = false;
                vec![Act::Close, Act::Broadcast(Message::Leave)]
            }
            (false, _) => {
                self.role = Role::Away;
                Vec::new()
            }
            (true, _) => Vec::new(),
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        match self.role {
            Role::Follows { until } if is_unreal(until, now) => {
                self.follow(now + MISSED_AFTER);
                Vec::new()
            }
            Role::Follows { until } if now >= until => {
                self.role = Role::Leads { beat: now + BEAT_EVERY };
                self.connected = false;
                vec![Act::Open, self.lead()]
            }
            Role::Leads { beat } if now >= beat || is_unreal(beat, now) => {
                self.role = Role::Leads { beat: now + BEAT_EVERY };
                vec![self.lead()]
            }
            _ => Vec::new(),
        }
    }

    /// A message of another tab arrives.
    pub fn receive(&mut self, message: &Message, now: u64) -> Vec<Act> {
        match (message, self.role) {
            (Message::Lead { .. }, Role::Follows { .. }) => {
                self.follow(now + MISSED_AFTER);
                Vec::new()
            }
            (Message::Lead { tab, .. }, Role::Leads { .. }) if *tab < self.tab => {
                self.follow(now + MISSED_AFTER);
                self.connected = false;
                vec![Act::Close]
            }
            (Message::Lead { .. } | Message::Who, Role::Leads { .. }) => vec![self.lead()],
            (Message::Leave, Role::Follows { .. }) => {
                self.follow(now);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The leader's stream is connected, or lost.
    pub fn connected(&mut self, connected: bool) -> Vec<Act> {
        self.connected = connected;
        match self.leads() {
            true => vec![self.lead()],
            false => Vec::new(),
        }
    }

    fn follow(&mut self, until: u64) {
        self.role = Role::Follows {
            until: until + self.tab % SPREAD,
        };
    }

    fn lead(&self) -> Act {
        Act::Broadcast(Message::Lead {
            tab: self.tab,
            connected: self.connected,
        })
    }
}

/// Whether a time is further ahead than any pause here: the device's clock was set back in the meantime.
fn is_unreal(at: u64, now: u64) -> bool {
    at > now + MISSED_AFTER + SPREAD
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tabs of one browser; the message of one reaches all others at once.
    struct Browser {
        tabs: Vec<Election>,
        now: u64,
    }

    impl Browser {
        fn new(numbers: &[u64]) -> Self {
            Self {
                tabs: numbers.iter().map(|number| Election::new(*number)).collect(),
                now: 0,
            }
        }

        fn show(&mut self, place: usize, shown: bool) {
            let acts = self.tabs[place].show(shown, self.now);
            self.carry(place, acts);
        }

        fn carry(&mut self, from: usize, acts: Vec<Act>) {
            for act in acts {
                let Act::Broadcast(message) = act else { continue };
                for place in (0..self.tabs.len()).filter(|place| *place != from) {
                    let answers = self.tabs[place].receive(&message, self.now);
                    self.carry(place, answers);
                }
            }
        }

        fn pass(&mut self, milliseconds: u64) {
            for _ in 0..milliseconds / 50 {
                self.now += 50;
                for place in 0..self.tabs.len() {
                    let acts = self.tabs[place].tick(self.now);
                    self.carry(place, acts);
                }
            }
        }

        fn leaders(&self) -> Vec<usize> {
            (0..self.tabs.len()).filter(|place| self.tabs[*place].leads()).collect()
        }
    }

    #[test]
    fn of_seven_tabs_one_leads() {
        let mut browser = Browser::new(&[40, 7, 93, 12, 77, 5, 61]);
        for place in 0..7 {
            browser.show(place, true);
        }
        browser.pass(500);
        assert_eq!(browser.leaders().len(), 1);
        let before = browser.leaders();
        browser.pass(60_000);
        assert_eq!(browser.leaders(), before, "nobody takes it from a leader that lives");
    }

    #[test]
    fn a_tab_that_comes_later_follows() {
        let mut browser = Browser::new(&[40, 7]);
        browser.show(0, true);
        browser.pass(500);
        browser.show(1, true);
        browser.pass(10_000);
        assert_eq!(browser.leaders(), [0]);
    }

    #[test]
    fn a_leader_out_of_view_hands_it_on_and_closes() {
        let mut browser = Browser::new(&[40, 7]);
        browser.show(0, true);
        browser.pass(500);
        browser.show(1, true);
        browser.pass(500);
        let acts = browser.tabs[0].show(false, browser.now);
        assert_eq!(acts, [Act::Close, Act::Broadcast(Message::Leave)]);
        browser.carry(0, acts);
        browser.pass(200);
        assert_eq!(browser.leaders(), [1]);
        // With all out of view no tab holds a stream.
        browser.show(1, false);
        browser.pass(60_000);
        assert_eq!(browser.leaders(), Vec::<usize>::new());
        assert!(browser.tabs.iter().all(Election::is_away));
        browser.show(0, true);
        browser.pass(500);
        assert_eq!(browser.leaders(), [0]);
    }

    #[test]
    fn a_leader_that_ended_silently_is_replaced() {
        let mut browser = Browser::new(&[40, 7, 93]);
        browser.show(0, true);
        browser.pass(500);
        browser.show(1, true);
        browser.show(2, true);
        browser.pass(500);
        assert_eq!(browser.leaders(), [0]);
        browser.tabs.remove(0);
        browser.pass(MISSED_AFTER + SPREAD);
        assert_eq!(browser.leaders().len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_tab_waiting() {
        let mut browser = Browser::new(&[40, 7]);
        browser.now = 10_000_000;
        browser.show(0, true);
        browser.pass(500);
        browser.show(1, true);
        browser.pass(500);
        browser.now -= 3_600_000;
        browser.pass(10_000);
        assert_eq!(browser.leaders(), [0], "it gives signs of life as before");
        browser.now -= 3_600_000;
        browser.tabs.remove(0);
        browser.pass(MISSED_AFTER + 2 * SPREAD);
        assert_eq!(browser.leaders().len(), 1, "the one that follows takes over");
    }

    #[test]
    fn of_two_leaders_the_higher_number_gives_way() {
        let mut high = Election::new(90);
        let mut low = Election::new(10);
        for tab in [&mut high, &mut low] {
            tab.show(true, 0);
            assert_eq!(tab.tick(1_000).first(), Some(&Act::Open));
        }
        let message = |tab| Message::Lead { tab, connected: true };
        assert_eq!(high.receive(&message(10), 1_000), [Act::Close]);
        assert!(!high.leads());
        assert_eq!(low.connected(true), [Act::Broadcast(message(10))]);
        assert_eq!(low.receive(&message(90), 1_000), [Act::Broadcast(message(10))]);
        assert!(low.leads());
    }

    #[test]
    fn messages_travel_as_text() {
        let message = Message::Event {
            name: "block".to_owned(),
            height: Some(7),
        };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(text, r#"{"event":{"name":"block","height":7}}"#);
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    }
}
