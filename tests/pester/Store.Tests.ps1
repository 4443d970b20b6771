# Stores in PostgreSQL. What needs a server is skipped where ALLOYSCAN_TEST_POSTGRES names none.
BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $file = Join-Path $TestDrive 'store.db'
    $site = Start-AlloyScanSampleSite -Devices 40
    $null = $site | Connect-AlloyScan
    $null = New-AlloyScanSyncJob HQ -Store $file
    $null = Invoke-AlloyScanSync HQ -Store $file
    function Get-EmptyStore {
        "$env:ALLOYSCAN_TEST_POSTGRES$($env:ALLOYSCAN_TEST_POSTGRES.Contains('?') ? '&' : '?')schema=p_$([guid]::NewGuid().ToString('N'))"
    }
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Copy-AlloyScanStore' {
    It 'refuses a password, a file as destination and an address without a database' {
        Get-ErrorId { Copy-AlloyScanStore -Store $file -Destination 'postgresql://u:secret@db/x' } | Should -Be 'SecretInArgument'
        Get-ErrorId { Copy-AlloyScanStore -Store $file -Destination (Join-Path $TestDrive 'other.db') } | Should -Be 'UnsupportedStore'
        Get-ErrorId { Copy-AlloyScanStore -Store $file -Destination 'Host=db;Username=u' } | Should -Be 'UnsupportedStore'
    }

    It 'says which server does not answer, also with -WhatIf' {
        $problem = Get-ErrorOf { Copy-AlloyScanStore -Store $file -Destination 'postgresql://u@127.0.0.1:1/x' -WhatIf }
        $problem.FullyQualifiedErrorId | Should -BeLike 'StoreUnavailable,*'
        $problem.Exception.Message | Should -BeLike '*127.0.0.1:1*'
    }

    It 'makes nothing with -WhatIf' {
        if (-not $env:ALLOYSCAN_TEST_POSTGRES) { Set-ItResult -Skipped -Because 'ALLOYSCAN_TEST_POSTGRES names no PostgreSQL server' }
        $store = Get-EmptyStore
        Copy-AlloyScanStore -Store $file -Destination $store -WhatIf | Should -BeNullOrEmpty
        (Copy-AlloyScanStore -Store $file -Destination $store -WarningAction SilentlyContinue).Rows | Should -BeGreaterThan 100
    }

    It 'copies all, says what to do next, and refuses to copy over it' {
        if (-not $env:ALLOYSCAN_TEST_POSTGRES) { Set-ItResult -Skipped -Because 'ALLOYSCAN_TEST_POSTGRES names no PostgreSQL server' }
        $store = Get-EmptyStore
        $result = Copy-AlloyScanStore $store -Store $file -WarningVariable said -WarningAction SilentlyContinue
        $result.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Store.StoreCopyResult'
        ($result.Tables | Where-Object Table -EQ records).Rows | Should -Be ((Get-AlloyCmdbComputer -Store $file).Count + (Get-AlloyCmdbHardware -Store $file).Count)
        "$said" | Should -BeLike '*ALLOYSCAN_STORE*'
        $result | Out-String | Should -BeLike '*Destination*'
        $result.Tables | Out-String | Should -BeLike '*Hash*'

        Get-ErrorId { Copy-AlloyScanStore $store -Store $file } | Should -Be 'StoreNotEmpty'
        (Get-AlloyCmdbComputer -Store $store | ConvertTo-Json) -replace 'postgresql://[^"]+', 'S' | Should -Be ((Get-AlloyCmdbComputer -Store $file | ConvertTo-Json) -replace ([regex]::Escape((ConvertTo-Json $file).Trim('"'))), 'S')
    }
}

Describe 'Get-AlloyScanStore and Set-AlloyScanStore' {
    BeforeAll {
        $kept = Join-Path $TestDrive 'kept.db'
        $null = New-AlloyScanSyncJob HQ -Store $kept
    }

    It 'shows the store, direct and from a job' {
        $shown = Get-AlloyScanStore -Store $kept
        $shown.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Jobs.StoreInfo'
        ($shown.Kind, $shown.Jobs, $shown.KeepRunDays, $shown.KeepPlanDays) | Should -Be 'SQLite', 1, 400, 30
        $shown.SizeBytes | Should -BeGreaterThan 10000
        (Get-AlloyScanSyncJob HQ -Store $kept | Get-AlloyScanStore).Location | Should -Be $shown.Location
        $shown | Out-String | Should -BeLike '*KeepRunDays*Location*SQLite* KB *400*'
    }

    It 'sets what is named, from the pipeline as well, and nothing with -WhatIf' {
        Set-AlloyScanStore -KeepRunDays 90 -Store $kept -WhatIf
        (Get-AlloyScanStore -Store $kept).KeepRunDays | Should -Be 400
        Set-AlloyScanStore -KeepRunDays 90 -Store $kept | Should -BeNullOrEmpty
        $set = Get-AlloyScanStore -Store $kept | Set-AlloyScanStore -KeepPlanDays 7 -PassThru
        ($set.KeepRunDays, $set.KeepPlanDays) | Should -Be 90, 7
    }

    It 'refuses by ID: <Expected>' -ForEach @(
        @{ Expected = 'NothingToSet'; Script = { Set-AlloyScanStore -Store $kept } }
        @{ Expected = 'ParameterArgumentValidationError'; Script = { Set-AlloyScanStore -KeepRunDays 0 -Store $kept } }
        @{ Expected = 'ParameterArgumentValidationError'; Script = { Set-AlloyScanStore -KeepPlanDays 40000 -Store $kept } }
    ) {
        Get-ErrorId $Script | Should -Be $Expected
    }
}

Describe 'A job in PostgreSQL' {
    It 'is made, run, run again without a change, verified, explained and taken back' {
        if (-not $env:ALLOYSCAN_TEST_POSTGRES) { Set-ItResult -Skipped -Because 'ALLOYSCAN_TEST_POSTGRES names no PostgreSQL server' }
        $store = Get-EmptyStore
        $null = New-AlloyScanSyncJob HQ -Store $store
        $first = Invoke-AlloyScanSync HQ -Store $store
        $first.Status | Should -Be 'Succeeded'
        $first.Created | Should -BeGreaterThan 0
        $second = Get-AlloyScanSyncJob -Store $store | Invoke-AlloyScanSync
        ($second.Created, $second.Updated, $second.InstallationsAdded) | Should -Be 0, 0, 0
        (Test-AlloyScanSync HQ -Store $store | Where-Object Verdict -EQ Failed) | Should -BeNullOrEmpty
        $computer = Get-AlloyCmdbComputer -Store $store | Select-Object -First 1
        $computer.Store | Should -Not -Match ':[^/@]*@'
        ($computer | Get-AlloyCmdbInstallation).Count | Should -BeGreaterThan 0
        (Get-AlloyCmdbComputer $computer.Name.ToUpper() -Store $store).Id | Should -Contain $computer.Id
        $undone = Undo-AlloyScanSync -RunId $first.Id -Store $store -Confirm:$false
        $undone | Should -Not -BeNullOrEmpty
        Get-AlloyCmdbComputer -Store $store | Should -BeNullOrEmpty
    }

    It 'names what a role lacks' {
        if (-not $env:ALLOYSCAN_TEST_POSTGRES) { Set-ItResult -Skipped -Because 'ALLOYSCAN_TEST_POSTGRES names no PostgreSQL server' }
        $other = $env:ALLOYSCAN_TEST_POSTGRES -replace '/[^/?]+(\?|$)', '/no_such_database$1'
        Get-ErrorId { Get-AlloyScanSyncJob -Store $other } | Should -Be 'StoreNotFound'
    }
}

Describe 'about_AlloyScan_Store' {
    It 'is there, with the rights that are needed' {
        Get-Help about_AlloyScan_Store | Out-String | Should -BeLike '*passfile*GRANT*'
    }
}
