# Attacks on the images of the source category: the images, what each network makes of them, what
# they change to the eye. Three jobs, so that none repeats what costs hours for what costs seconds.

IMAGE_ATTACKS = [n for n in config["attacks"] if GRID.makes_images(n)]
CEILINGS = [n for n in config["attacks"] if n not in [GRID.clean, *IMAGE_ATTACKS]]

GUIDE_FILES = inputs.guide_files(GRID, GUIDE, MODEL, CATALOGUE, FEATURES)
BACKBONE = inputs.backbone(config)
ATTACKED_WITH = {
    "image_archive": at(f"{CATALOGUE}/images.zip", GRID.clean_features),
    "item_ids": at(f"{CATALOGUE}/items.parquet", GRID.clean_features),
    "attacked": f"{DATASET}/attacked.parquet",
    "weights": at(f"{NETWORK}.safetensors", GRID.network),
    "target_item": at(f"{DATASET}/target_item.parquet", SET.of_target_item),
}


rule attack_images:
    input:
        unpack(GUIDE_FILES),
        **ATTACKED_WITH,
    output:
        attacked_images=f"{ATTACK}/images.zip",
        search=f"{ATTACK}/search.parquet",
    log:
        f"{LOGS}/attack_images/{IN_ATTACK}.log",
    benchmark:
        f"{BENCHMARKS}/attack_images/{IN_ATTACK}.tsv"
    wildcard_constraints:
        attack=one_of(IMAGE_ATTACKS),
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        **on_device("attack"),
        **NEEDS.at_most(NEEDS.attack, 60, NEEDS.attack_seconds),
    params:
        **told("attack_images", SET.crafting, kind="attack"),
    shell:
        line("attack_images", computes=True)


# Of the first run: whether an attack is as strong as it looks is a matter of its parameters.
rule examine_attack:
    input:
        unpack(GUIDE_FILES),
        **ATTACKED_WITH,
    output:
        indicators=f"{ATTACK}/indicators.json",
    log:
        f"{LOGS}/examine_attack/{IN_ATTACK}.log",
    benchmark:
        f"{BENCHMARKS}/examine_attack/{IN_ATTACK}.tsv"
    wildcard_constraints:
        attack=one_of(IMAGE_ATTACKS),
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        **on_device("attack"),
        **NEEDS.at_most(NEEDS.attack, 60, NEEDS.attack_seconds),
    params:
        **told("examine_attack", SET.examining, kind="attack"),
    shell:
        line("examine_attack", computes=True)


rule read_images:
    input:
        image_archive=at(f"{CATALOGUE}/images.zip", GRID.clean_features),
        clean_features=at(f"{FEATURES}/features.npy", GRID.clean_features),
        attacked_images=at(f"{ATTACK}/images.zip", GRID.crafting),
        search=at(f"{ATTACK}/search.parquet", GRID.crafting),
        weights=at(f"{NETWORK}.safetensors", GRID.network),
        target_item=at(f"{DATASET}/target_item.parquet", SET.of_target_item),
    output:
        attacked_features=f"{ATTACK}/attacked_features.npy",
        outcome=f"{ATTACK}/outcome.parquet",
    log:
        f"{LOGS}/read_images/{IN_ATTACK}.log",
    wildcard_constraints:
        attack=one_of(IMAGE_ATTACKS),
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        **on_device("attack"),
        **NEEDS.at_most(NEEDS.attack, 60),
    params:
        **told("read_images", SET.reading),
    shell:
        line("read_images", computes=True)


rule measure_images:
    input:
        image_archive=at(f"{CATALOGUE}/images.zip", GRID.clean_features),
        attacked_images=f"{ATTACK}/images.zip",
        backbone=BACKBONE,
    output:
        distances=f"{ATTACK}/distances.parquet",
    log:
        f"{LOGS}/measure_images/{IN_ATTACK}.log",
    benchmark:
        f"{BENCHMARKS}/measure_images/{IN_ATTACK}.tsv"
    wildcard_constraints:
        attack=one_of(IMAGE_ATTACKS),
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        # The stand-in for LPIPS has no network that a GPU would be for.
        **on_device("attack", gpus=GPU if BACKBONE else 0),
        **NEEDS.at_most(NEEDS.attack, 20, NEEDS.measuring_seconds),
    params:
        **told("measure_images", network=config["perceptual"]["network"] if BACKBONE else None),
    shell:
        line("measure_images", computes=True)


rule borrow_features:
    input:
        clean_features=at(f"{FEATURES}/features.npy", GRID.clean_features),
        predicted_classes=at(f"{FEATURES}/classes.parquet", GRID.undefended),
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.clean_features),
        attacked=f"{DATASET}/attacked.parquet",
    output:
        attacked_features=f"{ATTACK}/attacked_features.npy",
        lenders=f"{ATTACK}/lenders.parquet",
    log:
        f"{LOGS}/borrow_features/{IN_ATTACK}.log",
    wildcard_constraints:
        attack=one_of(CEILINGS),
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.ranking, 10),
    params:
        **told("borrow_features", **TOWARDS),
    shell:
        line("borrow_features")
