# Catalogues: items, images and interactions, checked, filtered, numbered and split.


rule prepare_catalogue:
    input:
        source_files,
    output:
        user_ids=f"{CATALOGUE}/users.parquet",
        item_ids=f"{CATALOGUE}/items.parquet",
        interactions=f"{CATALOGUE}/interactions.parquet",
        images=f"{CATALOGUE}/images.zip",
        summary=f"{CATALOGUE}/summary.json",
    log:
        f"{RESULTS}/logs/prepare_catalogue/{{catalogue}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/prepare_catalogue/{{catalogue}}.tsv"
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB, image=1, interaction=1e-3),
        runtime=minutes(120),
    params:
        code=lambda w: sources.digest(
            "prepare_catalogue.py",
            module_of(
                "catalogue", config["catalogues"][w.catalogue]["source"]["method"]
            ),
        ),
        images=image_listing,
        options=catalogue_options,
    shell:
        "prepare_catalogue.py --options {params.options:q}"
        " --user-ids {output.user_ids} --item-ids {output.item_ids} --interactions {output.interactions}"
        " --image-archive {output.images} --summary {output.summary} 2> {log}"


rule select_attacked:
    input:
        of_dataset(f"{FEATURES}/classes.parquet"),
    output:
        f"{DATASET}/attacked.parquet",
    log:
        f"{RESULTS}/logs/select_attacked/{{dataset}}.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        code=code("select_attacked.py"),
        source=category("source"),
        target=category("target"),
    shell:
        "select_attacked.py --dataset {wildcards.dataset}"
        " --source-class {params.source} --target-class {params.target}"
        " --classes {input} --output {output} 2> {log}"


rule select_target_item:
    input:
        classes=of_dataset(f"{FEATURES}/classes.parquet"),
        interactions=of_dataset(f"{CATALOGUE}/interactions.parquet"),
    output:
        f"{DATASET}/target_item.parquet",
    log:
        f"{RESULTS}/logs/select_target_item/{{dataset}}.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        code=code("select_target_item.py"),
        target=category("target"),
    shell:
        "select_target_item.py --dataset {wildcards.dataset}"
        " --target-class {params.target} --classes {input.classes}"
        " --interactions {input.interactions} --output {output} 2> {log}"
