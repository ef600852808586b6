//! `create`: a new object, or the answer to a review.

use super::write::{Ownership, Write};
use crate::auth::review;
use crate::request::Request;
use crate::resource::REVIEW;
use crate::respond::{Answer, Reply};
use crate::route::Target;
use crate::status::ApiError;
use crate::world::World;

pub(crate) fn create(world: &World, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    if target.name.is_some() {
        return Err(ApiError::method_not_allowed());
    }
    let mut write = Write::new(world, target, request)?;
    let object = write.decode(request.object()?)?;
    if target.resource.verbs == REVIEW {
        let value = review::answer(&target.resource.kind, object, &request.user, &world.store)?;
        return Ok(Answer::Json { code: 201, value }.into());
    }
    let mut store = world.store.lock();
    let stored = write.create(&mut store, object, Ownership::Update)?;
    Ok(Reply {
        answer: Answer::Object {
            code: 201,
            object: stored,
        },
        warnings: write.warnings,
    })
}
