"""Train a recommender on the poisoned catalogue of a cell."""

from pathlib import Path

from varbench.catalogues.features import poison
from varbench.catalogues.interactions import to_matrix
from varbench.storage import read_array, read_table
from varbench.workflow import command


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--recommender", type=command.block, required=True, help="as JSON")
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--start", type=Path, help="state to start from")
    options.add_argument("--halfway", type=Path, help="out: state after half of the epochs")
    command.add_paths(options, interactions="of the catalogue", clean="features of the catalogue")
    command.add_paths(options, attacked="items that are attacked", features="of those items")
    command.add_paths(options, model="out", log="out")
    command.add_compute(options)
    given = options.parse_args()
    device = command.torch_device(given.device, given.threads)

    clean = read_array(given.clean)
    items = read_table(given.attacked, ["item"])["item"].to_numpy()
    features = poison(clean, items, read_array(given.features))
    interactions = to_matrix(read_table(given.interactions), items=len(clean))
    ...


if __name__ == "__main__":
    command.run(main)
