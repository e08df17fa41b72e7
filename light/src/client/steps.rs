//! What came of a request.

use tally_api::worker::light::Phase;
use tally_chain::light::{Followed, Following, LightError, LightFault, MAX_HEIGHT, TipClaim, Verified, Verifier};
use tally_chain::{ChainSpec, Height, UnixSecs, genesis};

use super::checks::PendingCheck;
use super::evidence::Wrong;
use super::get::{Get, NoAnswer};
use super::kept::claim_of;
use super::{
    BACK, Client, FOLLOWED_AT_ONCE, MAX_OWED_MS, MAX_PAUSE_MS, Origin, PAUSE_MS, Plan, Reading, TRIES, Tip, report,
    secs,
};

impl Client {
    /// No more of the answer comes: it is whole, or why it is not. `now` in milliseconds since 1970.
    pub fn ended(&mut self, outcome: Result<(), NoAnswer>, now: u64) {
        let Some(reading) = self.reading.take() else { return };
        if let Err(error) = outcome {
            return self.no_answer(reading, &error, now);
        }
        match reading {
            Reading::Spec(bytes) => self.spec_came(&bytes, now),
            Reading::Tip(bytes) => self.tip_came(&bytes, now),
            Reading::Proof(claim, verifier) => self.proof_came(claim, *verifier, now),
            Reading::Follow(claim, following, origin) => self.headers_came(claim, *following, origin, now),
            Reading::Ancestor(pending, nodes) => self.nodes_came(pending, &nodes),
            Reading::Part(following, to) => self.part_ended(*following, to, now),
        }
    }

    /// Begins what is planned.
    pub(super) fn begin(&mut self, plan: Plan, now: u64) -> Option<(Reading, Get)> {
        let spec = self.spec.clone()?;
        let (tip, height) = match &plan {
            Plan::Follow(claim, _) | Plan::Proof(claim) | Plan::All(claim) => (claim.id(), claim.height()),
        };
        match plan {
            Plan::Proof(claim) => {
                let verifier = Verifier::new(spec, self.genesis, secs(now)).ok()?;
                let verifier = match self.known {
                    Some((weight, tip)) => verifier.knowing_tip(weight, tip),
                    None => verifier,
                };
                Some((Reading::Proof(claim, Box::new(verifier)), Get::proof(tip, height)))
            }
            Plan::Follow(claim, origin) => {
                let following = self.origin(origin)?.follow(secs(now));
                Some(follow(claim, following, origin))
            }
            Plan::All(claim) => {
                let following = Following::from_genesis(spec, self.genesis, secs(now)).ok()?;
                Some(follow(claim, following, Origin::Genesis))
            }
        }
    }

    /// The verified block that headers are followed from.
    fn origin(&self, origin: Origin) -> Option<&Followed> {
        match origin {
            Origin::Tip => self.tip.as_ref().map(|tip| &tip.followed),
            Origin::Earlier => self.earlier[0].as_ref(),
            Origin::Genesis => None,
        }
    }

    /// The plan to follow headers to this claim from there, if that is not too far.
    fn follow_from(&self, origin: Origin, claim: &TipClaim) -> Option<Plan> {
        let from = self.origin(origin)?;
        let more = claim.height().0.checked_sub(from.verified().manifest.number.0)?;
        let all = from.headers().is_some();
        (more > 0 && (all || more <= FOLLOWED_AT_ONCE)).then(|| Plan::Follow(claim.clone(), origin))
    }

    /// Rules: docs/protocol.md#C2, #C3, #F1
    fn spec_came(&mut self, bytes: &[u8], now: u64) {
        let spec = serde_json::from_slice::<ChainSpec>(bytes)
            .map_err(|error| format!("it cannot be read: {error}"))
            .and_then(|spec| spec.checked().map_err(|error| error.to_string()));
        let wrong = |what| Wrong {
            rule: "C2",
            height: None,
            byte: None,
            what,
        };
        let spec = match spec {
            Ok(spec) => spec,
            Err(why) => return self.failed(None, wrong(format!("the node's chain spec: {why}")), now),
        };
        let (found, expected) = (genesis::identity(&spec).genesis, self.genesis);
        if found != expected {
            let what = format!("the node's chain spec has genesis {found}, expected {expected}");
            return self.failed(None, wrong(what), now);
        }
        self.restore(&spec, secs(now));
        self.spec = Some(spec);
    }

    fn restore(&mut self, spec: &ChainSpec, now: UnixSecs) {
        let kept = self.kept.take();
        let Some(restored) = kept.and_then(|kept| kept.restore(spec, self.genesis, now)) else {
            return;
        };
        self.known = Some((restored.weight, restored.tip));
        self.background.stopped = restored.stopped;
        self.background.headers = restored.headers;
        if let Some(followed) = restored.followed {
            self.tip = Some(Tip { followed, millis: None });
            self.enter(Phase::Verified);
        }
    }

    fn tip_came(&mut self, bytes: &[u8], now: u64) {
        let wrong = |rule, height, error: String| Wrong {
            rule,
            height,
            byte: None,
            what: error,
        };
        let claim = match TipClaim::decode(bytes) {
            Ok(claim) => claim,
            Err(error) => return self.failed(None, wrong("F11", None, error.to_string()), now),
        };
        if claim.height().0 > MAX_HEIGHT {
            let error = LightError::TooHigh {
                height: claim.height(),
                max: MAX_HEIGHT,
            };
            return self.failed(
                Some(&claim),
                wrong("F1", Some(claim.height().0), error.to_string()),
                now,
            );
        }
        let known = self.tip.as_ref().map(|tip| tip.followed.verified());
        if let Some(known) = known.filter(|known| known.tip == claim.id()) {
            if known.weight == claim.weight {
                return self.in_order(now);
            }
            let (found, claimed) = (known.weight, claim.weight);
            let error = LightError::OtherWeight { found, claimed };
            return self.failed(
                Some(&claim),
                wrong("F11", Some(claim.height().0), error.to_string()),
                now,
            );
        }
        // A claim of less work than is known is read, too: anyone can make one, and F10 is about a chain that holds.
        let plan = self
            .follow_from(Origin::Tip, &claim)
            .or_else(|| self.follow_from(Origin::Earlier, &claim));
        self.plan = Some(plan.unwrap_or(Plan::Proof(claim)));
    }

    /// Why a verified tip does not take the place of the known one. Rule: docs/protocol.md#F10
    fn less_work(&self, verified: &Verified) -> Option<LightError> {
        let (known, known_tip) = self.known?;
        let (found, tip) = (verified.weight, verified.tip);
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Some(LightError::LessWork { found, known }),
            std::cmp::Ordering::Equal if tip != known_tip => Some(LightError::SameWeight {
                found: tip,
                known: known_tip,
            }),
            _ => None,
        }
    }

    fn proof_came(&mut self, claim: TipClaim, verifier: Verifier, now: u64) {
        let followed = match verifier.finish_followed() {
            Ok(followed) => followed,
            Err(fault) if fault.needs_all_headers() => {
                self.plan = Some(Plan::All(claim));
                return;
            }
            Err(fault) => return self.fault(&claim, &fault, now),
        };
        let verified = followed.verified();
        let error = if verified.tip != claim.id() {
            let (found, expected) = (verified.tip, claim.id());
            Some(LightError::WrongTip { found, expected })
        } else if verified.weight != claim.weight {
            let (found, claimed) = (verified.weight, claim.weight);
            Some(LightError::OtherWeight { found, claimed })
        } else {
            None
        };
        match error {
            Some(error) => {
                let wrong = Wrong {
                    rule: "F11",
                    height: Some(claim.height().0),
                    byte: None,
                    what: error.to_string(),
                };
                self.failed(Some(&claim), wrong, now);
            }
            None => self.adopt(followed, false, now),
        }
    }

    fn headers_came(&mut self, claim: TipClaim, following: Following, origin: Origin, now: u64) {
        match (following.finish(&claim), origin) {
            (Ok(followed), origin) => match self.less_work(followed.verified()) {
                Some(error) => {
                    let wrong = Wrong {
                        rule: "F10",
                        height: Some(claim.height().0),
                        byte: None,
                        what: error.to_string(),
                    };
                    self.failed(Some(&claim), wrong, now);
                }
                None => self.adopt(followed, origin == Origin::Tip, now),
            },
            (Err(fault), Origin::Genesis) => self.fault(&claim, &fault, now),
            // A reorg, if what the node shows holds.
            (Err(_), Origin::Tip) => {
                let plan = self.follow_from(Origin::Earlier, &claim);
                self.plan = Some(plan.unwrap_or(Plan::Proof(claim)));
            }
            (Err(_), Origin::Earlier) => self.plan = Some(Plan::Proof(claim)),
        }
    }

    /// Takes a verified tip; `follows`: it is a descendant of the one before.
    fn adopt(&mut self, followed: Followed, follows: bool, now: u64) {
        if !follows {
            self.checks.forget_proven();
            self.earlier = [None, None];
            self.background.leave_branch();
            self.revision = self.revision.wrapping_add(1);
        }
        let (verified, height) = (followed.verified(), followed.verified().manifest.number.0);
        let far = |block: &Option<Followed>| {
            block
                .as_ref()
                .is_none_or(|block| block.verified().manifest.number.0 + BACK <= height)
        };
        self.known = Some((verified.weight, verified.tip));
        if far(&self.earlier[1]) {
            self.earlier[0] = self.earlier[1].replace(followed.clone());
        }
        let millis = Some(now.saturating_sub(self.looked_at));
        self.tip = Some(Tip { followed, millis });
        self.to_keep = true;
        self.in_order(now);
    }

    /// What the node shows of its tip is verified. Headers before it that do not hold stay what they are.
    fn in_order(&mut self, now: u64) {
        (self.tries, self.retry) = (0, (0, PAUSE_MS));
        if let Some(failure) = self.background.failure.clone() {
            return self.enter(Phase::Failed(Box::new(failure)));
        }
        self.enter(Phase::Verified);
        // The node answers again: what it gave no answer about is worth another request. Later each time: checks make the client look
        // at the tip, and one that never gets a verdict would bring this about for ever.
        let (due, pause) = self.owed;
        if now >= due && self.checks.take_owed() {
            self.owed = (now + pause, (2 * pause).min(MAX_OWED_MS));
            self.revision = self.revision.wrapping_add(1);
        }
    }

    fn nodes_came(&mut self, pending: Box<PendingCheck>, nodes: &[u8]) {
        let Some(tip) = &self.tip else { return };
        self.look |= self.checks.check(pending, nodes, &tip.followed);
    }

    fn part_ended(&mut self, following: Following, to: Height, now: u64) {
        let Some(tip) = &self.tip else { return };
        let claim = claim_of(&tip.followed);
        // What is only too short is requested again.
        let (fault, is_short) = match following.height() {
            height if height == claim.height() => match following.finish(&claim) {
                Ok(followed) => {
                    self.background.complete();
                    return self.adopt(followed, true, now);
                }
                Err(fault) => (fault, false),
            },
            height if height == to => {
                let had_failed = self.background.failure.is_some();
                self.to_keep |= following
                    .headers()
                    .is_some_and(|headers| self.background.add(headers, now));
                if had_failed {
                    self.in_order(now);
                }
                return;
            }
            _ => match following.finish(&claim) {
                Err(fault) => {
                    let is_short = matches!(*fault.error, LightError::WrongTip { .. } | LightError::Truncated { .. });
                    (fault, is_short)
                }
                Ok(_) => return,
            },
        };
        match is_short {
            true => self.background.wait(now),
            false if self.background.begun_anew => {
                self.fault(&claim, &fault, now);
                if let Phase::Failed(failure) = &self.phase {
                    self.background.fail((**failure).clone(), now);
                }
            }
            // Headers that were kept may be of another branch.
            false => self.background.begin_anew(),
        }
    }

    fn no_answer(&mut self, reading: Reading, error: &NoAnswer, now: u64) {
        let why = error.to_string();
        match reading {
            Reading::Part(..) => {
                self.look |= error.is_about_an_old_tip();
                // Also then: the tip may be the same, and the part would be due at once.
                self.background.wait(now);
            }
            Reading::Ancestor(pending, _) => {
                // Each of the others would wait as long.
                if matches!(error, NoAnswer::Silent { .. }) {
                    self.checks.give_up(&why);
                }
                self.look |= self.checks.no_proof(pending, &why, error.is_about_an_old_tip());
            }
            _ if error.is_about_an_old_tip() && self.tries < TRIES => {
                self.tries += 1;
                self.look = true;
            }
            _ => {
                let why = match error.is_not_kept() {
                    true => {
                        format!("this node began with a checkpoint and cannot prove its chain from genesis on: {why}")
                    }
                    false => format!("no proof of the chain came: {why}"),
                };
                // By a verified tip most checks go on; what needs a newer one is given up when its turn comes.
                if !matches!(self.phase, Phase::Verified) {
                    self.checks.give_up(&why);
                }
                if !matches!(self.phase, Phase::Verified | Phase::Failed(_)) {
                    self.enter(Phase::Unverified(why));
                }
                self.pause(now);
            }
        }
    }

    /// The next try is later.
    fn pause(&mut self, now: u64) {
        let (_, pause) = self.retry;
        (self.look, self.tries) = (true, 0);
        self.retry = (now + pause, (2 * pause).min(MAX_PAUSE_MS));
    }

    fn fault(&mut self, claim: &TipClaim, fault: &LightFault, now: u64) {
        let wrong = Wrong {
            rule: fault.rule,
            height: fault.height.map(|height| height.0),
            byte: Some(fault.at),
            what: fault.error.to_string(),
        };
        self.failed(Some(claim), wrong, now);
    }

    fn failed(&mut self, claim: Option<&TipClaim>, wrong: Wrong, now: u64) {
        let failure = self.recent.failure(self.genesis, claim, wrong);
        self.checks.give_up(&report::in_words(&failure));
        self.enter(Phase::Failed(Box::new(failure)));
        self.pause(now);
    }
}

fn follow(claim: TipClaim, following: Following, origin: Origin) -> (Reading, Get) {
    let from = following.height();
    let count = claim.height().0.saturating_sub(from.0);
    let get = Get::headers(claim.id(), from, count);
    (Reading::Follow(claim, Box::new(following), origin), get)
}
