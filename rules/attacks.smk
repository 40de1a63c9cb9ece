# Attacks on the images of the source category: the images, what each network makes of them, what
# they change to the eye. Three jobs, so that none repeats what costs hours for what costs seconds.

IMAGE_ATTACKS = [n for n in config["attacks"] if GRID.makes_images(n)]
CEILINGS = [n for n in config["attacks"] if n not in [GRID.clean, *IMAGE_ATTACKS]]

ATTACKED_WITH = {
    "image_archive": at(f"{CATALOGUE}/images.zip", GRID.clean_features),
    "item_ids": at(f"{CATALOGUE}/items.parquet", GRID.clean_features),
    "attacked": f"{DATASET}/attacked.parquet",
    "weights": at(f"{NETWORK}.safetensors", GRID.network),
    "target_item": at(f"{DATASET}/target_item.parquet", SET.of_target_item),
}


rule attack_images:
    input:
        unpack(SET.guide_files(GUIDE, MODEL, CATALOGUE, FEATURES)),
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
        mem_mb=NEEDS.attack,
        runtime=NEEDS.minutes(60, NEEDS.attack_seconds),
    params:
        **told(
            "attack_images",
            kind="attack",
            network=SET.network,
            attack=SET.attack,
            target_class=SET.target_class,
            k=SET.k_of_guide,
            batch_size=config["extractor"]["batch_size"],
            seed=SET.seed_of_run,
        ),
    shell:
        line("attack_images", computes=True)


# Of the first run: whether an attack is as strong as it looks is a matter of its parameters.
rule examine_attack:
    input:
        unpack(SET.guide_files(GUIDE, MODEL, CATALOGUE, FEATURES)),
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
        mem_mb=NEEDS.attack,
        runtime=NEEDS.minutes(60, NEEDS.attack_seconds),
    params:
        **told(
            "examine_attack",
            kind="attack",
            network=SET.network,
            attack=SET.attack,
            target_class=SET.target_class,
            aims_at_class=SET.aims_at_class,
            k=SET.k_of_guide,
            batch_size=config["extractor"]["batch_size"],
            images=config["metrics"]["examined_images"],
            seed=SET.seed_of_run,
        ),
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
        attacked_features=f"{ATTACK}/features.npy",
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
        mem_mb=NEEDS.attack,
        runtime=NEEDS.minutes(60),
    params:
        **told(
            "read_images",
            network=SET.network,
            source_class=SET.source_class,
            target_class=SET.target_class,
            aims_at_class=SET.aims_at_class,
            batch_size=config["extractor"]["batch_size"],
        ),
    shell:
        line("read_images", computes=True)


rule measure_images:
    input:
        image_archive=at(f"{CATALOGUE}/images.zip", GRID.clean_features),
        attacked_images=f"{ATTACK}/images.zip",
        backbone=SET.backbone,
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
        **on_device("attack", gpus=GPU if SET.backbone else 0),
        mem_mb=NEEDS.attack,
        runtime=NEEDS.minutes(20, NEEDS.measuring_seconds),
        # The stand-in for LPIPS has no network that a GPU would be for.
    params:
        **told(
            "measure_images",
            network=config["perceptual"]["network"] if SET.backbone else None,
        ),
    shell:
        line("measure_images", computes=True)


rule borrow_features:
    input:
        clean_features=at(f"{FEATURES}/features.npy", GRID.clean_features),
        predicted_classes=at(f"{FEATURES}/classes.parquet", GRID.undefended),
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.clean_features),
        attacked=f"{DATASET}/attacked.parquet",
    output:
        attacked_features=f"{ATTACK}/features.npy",
        lenders=f"{ATTACK}/lenders.parquet",
    log:
        f"{LOGS}/borrow_features/{IN_ATTACK}.log",
    wildcard_constraints:
        attack=one_of(CEILINGS),
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.ranking,
        runtime=NEEDS.minutes(10),
    params:
        **told(
            "borrow_features",
            dataset=SET.name("dataset"),
            target_class=SET.target_class,
            target=SET.target_category,
        ),
    shell:
        line("borrow_features")
