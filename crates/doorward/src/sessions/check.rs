//! Whether a token opens a session: from memory where that knows, else from the database.

use std::sync::Arc;

use super::{Live, Person, SignedIn, Token, follower, lifetime::Lifetime, renewal::renew, store};
use crate::{
    Doorward, access::Access, error::Result, ids::SessionId, secret::same, users::Account,
};

/// Looks whether sessions can be checked at all.
///
/// # Errors
/// [`Error::Unavailable`](crate::Error::Unavailable) when whoever is signed in is declined, for the database has not been heard of
/// for too long.
pub(crate) async fn can_check(doorward: &Doorward) -> Result<()> {
    follower::permit(doorward).await.map(drop)
}

/// Who holds this token, if the session is live. Costs no statement while memory knows the session.
pub(crate) async fn check(doorward: &Doorward, token: &Token) -> Result<Option<SignedIn>> {
    let now = doorward.clock.now();
    let id = token.session();
    let permit = follower::permit(doorward).await?;
    let hash = token.hash();
    let opens = |(live, person): &(Arc<Live>, Arc<Person>)| {
        same(&live.token_hash, &hash)
            && live.user_epoch == person.account.auth_epoch
            && person.account.is_active()
            && live.session.is_live(person.lifetime, now)
    };
    let known = doorward.cache.get(&permit, &id);
    let is_known = known.is_some();
    let found = match known {
        Some(known) => {
            if permit.is_stale() {
                doorward.metrics.stale_checks.inc();
            }
            Some(known)
        }
        None if is_refused(doorward, &hash) => return Ok(None),
        None => read(doorward, &id).await?,
    };
    let accepted = match found.filter(opens) {
        None => {
            let read = read_strictly(doorward, &id, &hash, opens).await?;
            if is_known && read.is_some() {
                // Memory is behind. The next read fills it.
                doorward.cache.forget_session(&id);
            }
            read
        }
        accepted => accepted,
    };
    let Some((live, person)) = accepted else {
        if !is_known || doorward.follower.is_some() {
            // Memory may have been filled meanwhile by a read from before the end, of which it has not heard. Whoever is
            // refused now must not be let in by it afterwards.
            doorward.cache.forget_session(&id);
        }
        return Ok(None);
    };
    let lifetime = person.lifetime;
    if let Some(end) = live.session.renewal(lifetime, now) {
        renew(doorward, &live.session, end).await;
    }
    doorward.activity.saw(&live, now);
    Ok(Some(SignedIn { live, person }))
}

/// Reads a session and its person, and keeps them in memory; nothing where they are not found, or the read is not proved to
/// be as new as memory.
async fn read(doorward: &Doorward, id: &SessionId) -> Result<Option<(Arc<Live>, Arc<Person>)>> {
    let ticket = doorward.cache.ticket(id);
    let asked = ticket.asks().map(|position| position.seq);
    let found = store::find(&mut &doorward.db, id, asked).await?;
    let (Some(holder), Some(proven)) = (found.holder, ticket.proved_by(found.row, found.newest))
    else {
        return Ok(None);
    };
    let (live, person) = remembered(doorward, holder);
    let is_kept = doorward.cache.fill(&proven, &live, &person);
    if let Some(follower) = &doorward.follower {
        doorward.metrics.filled(is_kept);
        if !is_kept {
            // Memory is behind, and keeps nothing of this shard until it has caught up.
            follower.hint();
        }
    }
    Ok(Some((live, person)))
}

/// Reads them from the server that confirms commits. Before that, nobody is refused: memory may not have heard yet that the
/// session was signed in again under another token, and a database may lag behind, or have been cut off and replaced.
async fn read_strictly(
    doorward: &Doorward,
    id: &SessionId,
    token: &[u8; 32],
    opens: impl Fn(&(Arc<Live>, Arc<Person>)) -> bool,
) -> Result<Option<(Arc<Live>, Arc<Person>)>> {
    let Some(follower) = &doorward.follower else {
        return Ok(None);
    };
    let patience = doorward.config.database.wait.to_duration();
    let ask = async {
        doorward.metrics.strict_reads.inc();
        let found = follower.find(id).await?;
        let holder = found.holder.map(|holder| remembered(doorward, holder));
        Ok(holder.filter(opens))
    };
    let refusals = &follower.refusals;
    refusals.ask(token, &doorward.clock, patience, ask).await
}

/// Whether this token was refused a moment ago.
fn is_refused(doorward: &Doorward, token: &[u8; 32]) -> bool {
    let follower = doorward.follower.as_ref();
    follower.is_some_and(|follower| follower.refusals.include(token, &doorward.clock))
}

fn remembered(
    doorward: &Doorward,
    (mut live, account, access): (Live, Account, Access),
) -> (Arc<Live>, Arc<Person>) {
    let agent = live.session.user_agent.take();
    live.session.user_agent = agent.map(|agent| doorward.cache.user_agents.one(agent));
    let person = Person {
        lifetime: Lifetime::of(&doorward.config.sessions, &access),
        account,
        access: doorward.cache.accesses.one(Arc::new(access)),
    };
    (Arc::new(live), Arc::new(person))
}
