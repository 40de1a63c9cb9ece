# The functions that rules use: inputs and parameters that depend on wildcards.


def one_of(names):
    """Return a regular expression that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def code(script, kind=None):
    """Digest of the sources behind a job, with the module of its method if `kind` is given."""

    def digest(wildcards):
        method = config[f"{kind}s"][wildcards[kind]]["method"]
        return sources.digest(script, module_of(kind, method))

    return digest if kind else sources.digest(script)


def block(section, *without):
    """The configuration block that a wildcard names, as JSON for a command line."""

    def find(wildcards):
        chosen = config[f"{section}s"][wildcards[section]]
        return json.dumps(
            {k: v for k, v in chosen.items() if k not in without}, sort_keys=True
        )

    return find


def of_dataset(pattern):
    """Fill in the catalogue of the wildcard's dataset and, where asked for, `undefended`."""

    def path(wildcards):
        return pattern.format(
            catalogue=catalogue_of(wildcards),
            defense=wildcards.get("defense", config["undefended"]),
        )

    return path


def measured_attacks(wildcards):
    """The attacks whose images are measured together."""
    if wildcards.subset == "grid":
        return GRID["attacks"][1:]
    return sorted(
        {
            variant.attack[attack]
            for variant in VARIANTS.values()
            if wildcards.dataset in variant.dataset.values()
            for attack in ABLATION["attacks"][1:]
        }
    )


def of_measured(pattern):
    """Fill in the attacks whose images are measured together."""

    def paths(wildcards):
        attacks = measured_attacks(wildcards)
        names = {"dataset": wildcards.dataset, "defense": wildcards.defense}
        return [pattern.format(attack=attack, **names) for attack in attacks]

    return paths


def left_out(*metrics):
    """The option that leaves columns of tables out, those that `metrics` is false for."""
    names = [name for name in metrics if not config["metrics"][name]]
    return f"--without {' '.join(names)}" if names else ""


def every_seed(file):
    """A file of a cell under each of the recommenders' seeds."""
    return expand(f"{CELL}/{file}", seed=config["seeds"], allow_missing=True)


def verbatim(text):
    """A parameter that keeps its braces: a pattern that a script fills in itself."""
    return lambda wildcards: text


def network():
    """What builds the extractor, as JSON."""
    keys = ("architecture", "mean", "std")
    return json.dumps(
        {k: config["extractor"][k] for k in keys} | {"classes": len(CLASSES)}
    )


def category(role):
    """Class index of a dataset's source or target category."""

    def index(wildcards):
        return class_index(
            config["datasets"][wildcards.dataset][f"{role}_category"], CLASSES
        )

    return index


def source_files(wildcards):
    """The files that a catalogue is read from, so that a change of them is noticed."""
    source = config["catalogues"][wildcards.catalogue]["source"]
    if "path" not in source:
        return []
    path = Path(source["path"])
    if source["method"] == "folder":
        return [path / source[key] for key in ("items", "interactions")]
    if source["method"] == "amazon_authors" and "dataset" not in source:
        return [path / name for name in ("trainingset.tsv", "testset.tsv")]
    return path


def catalogue_options(wildcards):
    """What decides how a catalogue is prepared, as JSON."""
    name = wildcards.catalogue
    block = config["catalogues"][name]
    return json.dumps(
        {**block, "name": name, "image_size": SIDE, "seed": config["seed"]},
        sort_keys=True,
    )


def image_listing(wildcards):
    """A digest of the list of images that a catalogue's source folder holds."""
    source = config["catalogues"][wildcards.catalogue]["source"]
    folders = {
        "folder": source.get("images", ""),
        "amazon_authors": "original/images",
    }
    if source["method"] not in folders:
        return ""
    return listing(Path(source["path"]) / folders[source["method"]])


def training_set(wildcards):
    """The images and labels that extractors are trained on."""
    if TRAINING_FOLDER is not None:
        # It must be there; its time says nothing, and its files are too many to look at.
        return {"halves": ancient([f"{TRAINING_FOLDER}/{h}" for h in ("train", "val")])}
    if TRAINING_CATALOGUE is None:
        return {
            "images": f"{TRAINING}/images.zip",
            "labels": f"{TRAINING}/labels.parquet",
        }
    names = {"catalogue": TRAINING_CATALOGUE, "defense": config["undefended"]}
    return {
        "images": f"{CATALOGUE}/images.zip".format(**names),
        "labels": f"{FEATURES}/classes.parquet".format(**names),
    }


def training_options(wildcards, input):
    """How the training's command finds the labels and what it validates on."""
    if TRAINING_FOLDER is not None:
        return f"--image-size {TRAINING_SIDE}"
    validation = config["training_images"]["validation"]
    return f"--labels {input.labels} --validation {validation}"


def processes(wildcards):
    """In how many processes a network is trained, with a GPU each if there are any."""
    return config["defenses"][wildcards.defense]["processes"]


def start(wildcards):
    """The weights that a training starts from, if any."""
    name = config["defenses"][wildcards.defense]["starts_from"]
    return f"{EXTRACTOR}.safetensors".format(defense=name) if name else []


def backbone_file(wildcards):
    """The file of LPIPS' backbone; a stand-in has none."""
    weights = config["perceptual"]["weights"]
    if weights == "download":
        return BACKBONES[config["perceptual"]["network"]]
    return [] if weights == "stand-in" else weights


def target_item_file(wildcards):
    """The item whose features an attack aims at, for attacks that aim at an item."""
    if "target_item" not in config["attacks"][wildcards.attack]:
        return []
    return f"{DATASET}/target_item.parquet".format(dataset=wildcards.dataset)


def rest_features(wildcards):
    """The features of the items that are not attacked."""
    names = {
        "catalogue": config["datasets"][wildcards.dataset]["catalogue"],
        "defense": wildcards.defense,
    }
    if wildcards.attack != CLEAN and (
        config["recommenders"][wildcards.recommender].get("rest_features")
        == "undefended"
    ):
        names["defense"] = config["undefended"]
    return f"{FEATURES}/features.npy".format(**names)


def attacked_features(wildcards):
    """The attacked items and their features; none where nothing is attacked."""
    if wildcards.attack == CLEAN:
        return []
    return [
        path.format(**wildcards)
        for path in (f"{DATASET}/attacked.parquet", f"{ATTACK}/features.npy")
    ]


def poison_options(wildcards, input):
    """How a recommender's command finds them."""
    return "--attacked {} --features {}".format(*input.poison) if input.poison else ""


def halfway(wildcards):
    """The state of the same cell's recommender that this one starts from, if any."""
    name = config["recommenders"][wildcards.recommender]["starts_from"]
    if name is None:
        return []
    return f"{CELL}/halfway.safetensors".format(**{**wildcards, "recommender": name})


def ablation_cells():
    """The users of the ablation's cells, by the names that these have under each protocol."""
    paths = set()
    for variant in VARIANTS.values():
        axes = {
            "dataset": variant.dataset.values(),
            "recommender": variant.recommender.values(),
            "seed": config["seeds"],
        }
        attacks, defenses = variant.attack.values(), ABLATION["defenses"]
        paths |= {
            *expand(f"{CELL}/users.parquet", attack=attacks, defense=defenses, **axes)
        }
        if variant.metrics["baseline"] == "undefended":
            clean = {"attack": CLEAN, "defense": config["undefended"]}
            paths |= {*expand(f"{CELL}/users.parquet", **clean, **axes)}
    return sorted(paths)


def ablation_visual():
    """What the ablation's attacks changed, on each dataset under its name in each protocol."""
    datasets = {d for variant in VARIANTS.values() for d in variant.dataset.values()}
    return expand(
        VISUAL,
        subset="ablation",
        dataset=sorted(datasets),
        defense=ABLATION["defenses"],
    )


def planned_rules(wildcards):
    """What the plan's command needs to know of every rule, as JSON."""
    return json.dumps(
        {
            name: {
                "axes": axes,
                "outputs": [str(path) for path in getattr(rules, name).output],
                "threads": config["threads"].get(COSTLY.get(name), 1),
                "gpu": GPUS.get(name, 0),
                "processes": PROCESSES if name == "train_extractor" else {},
            }
            for name, axes in AXES_OF_RULES.items()
        }
    )
