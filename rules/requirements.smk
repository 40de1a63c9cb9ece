# What a job asks a cluster for: megabytes and minutes, from the sizes in the configuration.
# Rough on purpose, from above; each further attempt gets as much again.

from functools import cache

ROW_BYTES = 40  # of a line in a table of items or interactions
UNKNOWN = {"items": 100_000, "users": 100_000, "interactions": 2_000_000}
FEATURE_BYTES = 2048 * 4  # a ResNet-50's, the widest
FOLDER_IMAGES = 1_281_167  # in a folder to train on: ImageNet's
PIXELS = (SIDE or 500) ** 2  # of an image
IMAGE_MB = 3 * PIXELS / 1e6  # a decoded image, a byte each value
# A network's activations of one image while it is trained or attacked: ResNet-50's. They are in the
# GPU's memory if there is one.
ACTIVATIONS_MB = 0 if GPU else 2e-3 * PIXELS
# One pass forward and back of one image.
PASS_SECONDS = (2e-7 if GPU else 1e-5) * PIXELS
TRIPLET_SECONDS = 2e-5
LONGEST = 24 * 60  # minutes; training and C&W go on where they were stopped
# With Snakemake itself, which runs twice inside a SLURM job, and the libraries.
PLAIN_MB, TORCH_MB = 700, 1500
WORKER_MB = 500  # a process that reads images


@cache
def sizes(catalogue):
    """Estimate a catalogue's items, users and interactions before it is read."""
    source = config["catalogues"][catalogue]["source"]
    if source["method"] == "generated":
        interactions = round(source["users"] * source["interactions_per_user"])
        return {
            "items": source["items"],
            "users": source["users"],
            "interactions": interactions,
        }
    if source["method"] == "amazon_authors":  # filtered as it comes
        return UNKNOWN | config["catalogues"][catalogue]["expected"]
    if source["method"] != "folder":
        return UNKNOWN
    folder = Path(source["path"])
    items, interactions = (
        path.stat().st_size // ROW_BYTES if path.exists() else 0
        for path in (folder / source["items"], folder / source["interactions"])
    )
    users = interactions // config["catalogues"][catalogue]["core_users"]
    return {"items": items, "users": users, "interactions": interactions}


def catalogue_of(wildcards):
    """The catalogue of a job, whichever wildcard names it."""
    if hasattr(wildcards, "catalogue"):
        return wildcards.catalogue
    return config["datasets"][wildcards.dataset]["catalogue"]


def mb(base, *, image=0, item=0, user=0, interaction=0, training_image=0, batch=0):
    """Megabytes: a base and so much for each; for each of a batch, activations."""

    def needed(wildcards, attempt):
        total = base + batch * ACTIVATIONS_MB
        total += training_image * training_images()
        if image or item or user or interaction:
            count = sizes(catalogue_of(wildcards))
            total += (image * IMAGE_MB + item) * count["items"]
            total += user * count["users"] + interaction * count["interactions"]
        return attempt * round(total)

    return needed


def minutes(base, seconds=None):
    """Minutes: a base, and three times what the job is estimated to compute."""

    def needed(wildcards, attempt):
        total = base + (3 * seconds(wildcards) / 60 if seconds else 0)
        return min(LONGEST, attempt * round(total))

    return needed


def training_images():
    """How many images extractors are trained on."""
    if TRAINING_FOLDER is not None:
        return FOLDER_IMAGES
    if TRAINING_CATALOGUE is not None:
        return sizes(TRAINING_CATALOGUE)["items"]
    return config["training_images"]["per_category"] * len(CLASSES)


def training_mb(wildcards, attempt):
    """Megabytes of the training of an extractor."""
    batch = config["defenses"][wildcards.defense]["batch_size"]
    count = processes(wildcards)
    if TRAINING_FOLDER is None:
        needed = mb(count * TORCH_MB, training_image=3 * count * IMAGE_MB, batch=batch)
        return needed(wildcards, attempt)
    # Each process has a worker for each thread, and each worker two batches that wait.
    workers = count * config["threads"]["extractor"]
    waiting = 2 * workers * batch / count * 3 * TRAINING_SIDE**2 / 1e6
    total = count * TORCH_MB + workers * WORKER_MB + waiting + batch * ACTIVATIONS_MB
    return attempt * round(total)


def training_seconds(wildcards):
    """Seconds of the training of an extractor."""
    defense = config["defenses"][wildcards.defense]
    passes = defense["epochs"] * (1 + defense.get("steps", 0))
    side_by_side = processes(wildcards) if GPU else 1
    return passes * training_images() * PASS_SECONDS / side_by_side


def attack_seconds(wildcards):
    """Seconds of an attack on a fifth of the items, more than any category has."""
    attack = config["attacks"][wildcards.attack]
    passes = attack.get("steps", attack.get("iterations", 1))
    passes *= attack.get("binary_search_steps", 1)
    return passes * sizes(catalogue_of(wildcards))["items"] / 5 * PASS_SECONDS


def measuring_seconds(wildcards):
    """Seconds of LPIPS on a fifth of the items, each clean and after every attack."""
    passes = 1 + len(measured_attacks(wildcards))
    return passes * sizes(catalogue_of(wildcards))["items"] / 5 * PASS_SECONDS


def recommender_seconds(wildcards):
    """Seconds of the training of a recommender."""
    epochs = config["recommenders"][wildcards.recommender]["epochs"]
    interactions = sizes(catalogue_of(wildcards))["interactions"]
    return epochs * interactions * TRIPLET_SECONDS


# By rule, where several share them.
BATCH = config["extractor"]["batch_size"]
EXTRACTION_MB = mb(TORCH_MB, image=1, item=2 * FEATURE_BYTES / 1e6, batch=BATCH)
# Of a fifth of the items, bytes and several times four bytes a value.
ATTACK_MB = mb(TORCH_MB, image=5, batch=2 * BATCH)
RECOMMENDER_MB = mb(TORCH_MB, item=4 * FEATURE_BYTES / 1e6, user=5e-3, interaction=1e-4)
RANKING_MB = mb(PLAIN_MB, item=2e-3, user=1e-2, interaction=2e-4)
