# Attacks on the images of the source category, and what they change to the eye and the network.

ATTACKS = [n for n in config["attacks"] if n != CLEAN]
# The stand-in for LPIPS has no network that a GPU would be for.
MEASURE_GPU = 0 if config["perceptual"]["weights"] == "stand-in" else GPU


rule attack_images:
    input:
        images=of_dataset(f"{CATALOGUE}/images.zip"),
        ids=of_dataset(f"{CATALOGUE}/items.parquet"),
        attacked=f"{DATASET}/attacked.parquet",
        weights=f"{EXTRACTOR}.safetensors",
        target_item=target_item_file,
    output:
        images=f"{ATTACK}/images.zip",
        features=f"{ATTACK}/features.npy",
        outcome=f"{ATTACK}/outcome.parquet",
    log:
        f"{RESULTS}/logs/attack_images/{IN_ATTACK}.log",
    benchmark:
        f"{RESULTS}/benchmarks/attack_images/{IN_ATTACK}.tsv"
    wildcard_constraints:
        attack=one_of(ATTACKS),
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        mem_mb=ATTACK_MB,
        runtime=minutes(60, attack_seconds),
        gpu=GPU,
        device=config["device"],
        torch_threads=config["threads"]["attack"],
    params:
        code=code("attack_images.py", "attack"),
        network=network(),
        attack=block("attack"),
        target=category("target"),
        target_item=lambda w, input: (
            f"--target-item {input.target_item}" if input.target_item else ""
        ),
        batch_size=config["extractor"]["batch_size"],
        seed=config["seed"],
    shell:
        "attack_images.py --network {params.network:q}"
        " --attack {params.attack:q} --target-class {params.target} --seed {params.seed}"
        " --batch-size {params.batch_size} --weights {input.weights} --images {input.images}"
        " --ids {input.ids} --attacked {input.attacked} {params.target_item} --attacked-images {output.images}"
        " --features {output.features} --outcome {output.outcome}"
        " --device {resources.device} --threads {resources.torch_threads} 2> {log}"


rule measure_images:
    input:
        clean_images=of_dataset(f"{CATALOGUE}/images.zip"),
        clean_features=of_dataset(f"{FEATURES}/features.npy"),
        images=of_measured(f"{ATTACK}/images.zip"),
        features=of_measured(f"{ATTACK}/features.npy"),
        outcome=of_measured(f"{ATTACK}/outcome.parquet"),
        backbone=backbone_file,
    output:
        VISUAL,
    log:
        f"{RESULTS}/logs/measure_images/{{subset}}/{{dataset}}/{{defense}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_images/{{subset}}/{{dataset}}/{{defense}}.tsv"
    wildcard_constraints:
        subset="grid|ablation",
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        mem_mb=ATTACK_MB,
        runtime=minutes(20, measuring_seconds),
        gpu=MEASURE_GPU,
        device=config["device"],
        torch_threads=config["threads"]["attack"],
    params:
        code=code("measure_images.py"),
        network=config["perceptual"]["network"],
        backbone=lambda w, input: input.get("backbone") or "stand-in",
        source=category("source"),
        target=category("target"),
        attacks=measured_attacks,
        attack=lambda w: ATTACK.format(attack="{attack}", **w),
    shell:
        "measure_images.py --perceptual {params.network} --backbone {params.backbone:q}"
        " --source-class {params.source} --target-class {params.target}"
        " --attacks {params.attacks} --attack {params.attack:q}"
        " --clean-images {input.clean_images} --clean-features {input.clean_features}"
        " --output {output}"
        " --device {resources.device} --threads {resources.torch_threads} 2> {log}"
