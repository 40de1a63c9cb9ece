"""What an attacker who knows a recommender wants of an item's image: its score for the users.

The score of item i for user u, with features f_i divided by the catalogue's scale s:

    x_ui = p_u . q_i + rho_u . (E f_i / s)

Each image has an objective of its own over all users, by name:

``mean_score``
    The mean of x_ui. It is linear in f_i, with the gradient E' mean(rho) / s: one direction for
    all items and users.
``exp``
    log of the sum of exp(x_ui) (Liu and Larson, WWW 2021, INSA, who minimise minus the sum
    itself). The logarithm has the same maxima and a gradient of the same direction, and does not
    overflow.
``hits``
    log of the mean of sigmoid((x_ui - t_u) / tau), t_u being the score that user u's list begins
    at: with tau towards 0 the mean is the share of the users whose list the item is in, which is
    what the category hit ratio counts. The logarithm has the same maxima, and a gradient even
    where nobody is near. tau is ``temperature`` times the standard deviation over users of
    x_ui - t_u at the clean image, so that it means the same for every recommender.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from varbench.attacks.common import FeatureModel
from varbench.attacks.guide import Guide

OBJECTIVES = ("mean_score", "exp", "hits")


# Of features (B, D): the objective of each image (B,).
Objective = Callable[[Tensor], Tensor]


def objective(name: str, guide: Guide, clean: Tensor, temperature: float) -> Objective:
    """Return what is to be raised, as a function of features that autograd can follow.

    Parameters
    ----------
    name
        One of ``OBJECTIVES``.
    guide
        Of B images.
    clean
        (B, D) features of their clean images, on the device and of the type that all is computed
        in.
    temperature
        Of ``hits``: tau in standard deviations over the users.
    """
    p, q, rho, embedding, thresholds = (
        torch.from_numpy(array).to(clean)
        for array in (
            guide.user_factors,
            guide.item_factors,
            guide.user_visual,
            guide.embedding / guide.scale,
            guide.thresholds,
        )
    )
    known = q @ p.T  # (B, U)

    def scores(features: Tensor) -> Tensor:
        return known + features @ embedding.T @ rho.T

    if name == "mean_score":
        return lambda features: scores(features).mean(1)
    if name == "exp":
        return lambda features: scores(features).logsumexp(1)
    spread = (scores(clean) - thresholds).std(1, correction=0, keepdim=True)
    # Users who all want the same leave no spread; any tau will do, but 0.
    tau = temperature * torch.where(spread > 0, spread, 1.0)

    def hits(features: Tensor) -> Tensor:
        chances = logsigmoid((scores(features) - thresholds) / tau)
        return chances.logsumexp(1) - math.log(len(thresholds))

    return hits


def guided_losses(
    model: FeatureModel, images: Tensor, guide: Guide, name: str, temperature: float
) -> Callable[[Tensor], Tensor]:
    """Return minus the objective as a function of images; ``images`` are the guide's clean ones.

    Costs a forward pass of the clean images.
    """
    with torch.no_grad():
        clean, _ = model.features_and_logits(images)
    if clean.shape[1] != guide.embedding.shape[1]:
        raise ValueError(
            f"the guide's embedding takes {guide.embedding.shape[1]} features, "
            f"the model gives {clean.shape[1]}"
        )
    wanted = objective(name, guide, clean, temperature)
    return lambda x: -wanted(model.features_and_logits(x)[0])
