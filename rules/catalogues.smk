# Catalogues: items, images and interactions, checked, filtered, numbered and split.

TOWARDS = {
    "dataset": SET.name("dataset"),
    "target": SET.target_category,
    "target_class": SET.target_class,
}


rule prepare_catalogue:
    input:
        lambda w: source_files(config["catalogues"][w.catalogue]["source"]),
    output:
        user_ids=f"{CATALOGUE}/users.parquet",
        item_ids=f"{CATALOGUE}/items.parquet",
        interactions=f"{CATALOGUE}/interactions.parquet",
        image_archive=f"{CATALOGUE}/images.zip",
        summary=f"{CATALOGUE}/summary.json",
    log:
        f"{LOGS}/prepare_catalogue/{{catalogue}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_catalogue/{{catalogue}}.tsv"
    priority: 100  # what is wrong with data is known before anything is trained
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.catalogue, 120),
    params:
        **told("prepare_catalogue", SET.preparation, kind="catalogue"),
        listing=lambda w: image_listing(config["catalogues"][w.catalogue]["source"]),
    shell:
        line("prepare_catalogue")


rule select_attacked:
    input:
        predicted_classes=at(f"{FEATURES}/classes.parquet", GRID.undefended),
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.undefended),
    output:
        attacked=f"{DATASET}/attacked.parquet",
    log:
        f"{LOGS}/select_attacked/{{dataset}}.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        **told("select_attacked", SET.selection),
    shell:
        line("select_attacked")


rule list_categories:
    input:
        item_ids=f"{CATALOGUE}/items.parquet",
        interactions=f"{CATALOGUE}/interactions.parquet",
        predicted_classes=at(f"{FEATURES}/classes.parquet", GRID.undefended),
        class_names=class_file(config, BASE),
    output:
        categories=f"{TABLES}/categories/{{catalogue}}.csv",
        pairs=f"{TABLES}/categories/{{catalogue}}_pairs.csv",
    log:
        f"{LOGS}/list_categories/{{catalogue}}.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        **told("list_categories", name=SET.name("catalogue"), least=10),
    shell:
        line("list_categories")


rule categories:
    input:
        expand(rules.list_categories.output, catalogue=GRID.catalogues),
    localrule: True


rule select_target_item:
    input:
        predicted_classes=at(f"{FEATURES}/classes.parquet", GRID.undefended),
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.undefended),
    output:
        target_item=f"{DATASET}/target_item.parquet",
    log:
        f"{LOGS}/select_target_item/{{dataset}}.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        **told("select_target_item", **TOWARDS),
    shell:
        line("select_target_item")
