"""How far each term of Eq. 2 moves a user's scores: what a recommender has learnt from what."""

import torch
from torch import Tensor

from varbench.recommenders.differences import multiply
from varbench.recommenders.state import State


def spreads(state: State, features: Tensor) -> dict[str, float]:
    """Return the standard deviation over items of both terms, within a user, mean over the users.

    ``spread_factors`` is that of p_u . q_i, ``spread_visual`` that of rho_u . (E f_i). With C the
    covariance of q over the items, p_u . q_i has the variance p_u . C p_u: no score is computed.

    features : (items, D) as the training uses them
    """
    visual = multiply(features, state.embedding)  # (items, K)
    return {
        "spread_factors": _within_users(state.user_factors, state.item_factors),
        "spread_visual": _within_users(state.user_visual_factors, visual),
    }


def _within_users(users: Tensor, items: Tensor) -> float:
    centred = items - items.mean(dim=0)
    covariance = centred.T @ centred / len(items)  # (K, K)
    variances = torch.linalg.vecdot(users @ covariance, users)  # (users,), below 0 by rounding only
    return float(variances.clamp_min_(0).sqrt_().mean())
