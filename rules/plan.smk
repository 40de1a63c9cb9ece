# The target `plan`: what the configuration would cost, from the benchmarks at hand.

IN_USE = sorted({*GRID["defenses"], config["undefended"]})
DEFENSES = sorted(
    {*IN_USE, *filter(None, (config["defenses"][d].get("starts_from") for d in IN_USE))}
)
RECOMMENDERS = sorted(
    {
        *GRID["recommenders"],
        *filter(
            None,
            (
                config["recommenders"][r].get("starts_from")
                for r in GRID["recommenders"]
            ),
        ),
    }
)
CATALOGUES = sorted({*USED, *filter(None, [TRAINING_CATALOGUE])})
IN_TRAINING = {k: v for k, v in AXES.items() if k != "recommender"}
# Every job is one choice from each axis of its rule; no axes, one job.
AXES_OF_RULES = {
    "draw_training_images": (
        {} if TRAINING_CATALOGUE is TRAINING_FOLDER is None else {"none": []}
    ),
    "prepare_catalogue": {"catalogue": CATALOGUES},
    "load_extractor": {"defense": [d for d in DEFENSES if d in PRETRAINED]},
    "train_extractor": {"defense": [d for d in DEFENSES if d in TRAINED]},
    "extract_features": {"catalogue": CATALOGUES, "defense": IN_USE},
    "select_attacked": {"dataset": GRID["datasets"]},
    "select_target_item": {
        "dataset": (
            GRID["datasets"]
            if any("target_item" in config["attacks"][a] for a in GRID["attacks"])
            else []
        )
    },
    "attack_images": {**IMAGE_AXES, "defense": IN_USE},
    "measure_images": {
        "subset": ["grid"],
        "dataset": AXES["dataset"],
        "defense": AXES["defense"],
    },
    "train_recommender": {**IN_TRAINING, "recommender": RECOMMENDERS},
    "evaluate_cell": {k: v for k, v in AXES.items() if k != "seed"},
    "rank_references": {"dataset": GRID["datasets"]},
    "aggregate_cells": {},
    "aggregate_images": {},
    "aggregate_extractors": {},
    "render_tables": {},
    "draw_figures": {},
    "draw_examples": {"dataset": GRID["datasets"]},
    "compare_published": {} if COMPARISON else {"none": []},
}
COSTLY = {
    "train_extractor": "extractor",
    "extract_features": "attack",
    "attack_images": "attack",
    "measure_images": "attack",
    "train_recommender": "recommender",
}
GPUS = {**dict.fromkeys(COSTLY, GPU), "measure_images": MEASURE_GPU}
PROCESSES = {d: config["defenses"][d]["processes"] for d in DEFENSES if d in TRAINED}


rule plan:
    log:
        f"{RESULTS}/logs/plan.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        rules=planned_rules,
        folder=RESULTS if Path(RESULTS).is_absolute() else Path(RESULTS).parts[0],
    shell:
        "plan.py --rules {params.rules:q} --folder {params.folder} 2> {log}"
