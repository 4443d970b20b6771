BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 30
    $null = $site | Connect-AlloyScan -Name transfer
    $secret = $site.Credential.GetNetworkCredential().Password
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Export- and Import-AlloyScanSyncJob' {
    BeforeEach {
        $folder = (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))).FullName
        $store = Join-Path $folder from.db
        $other = Join-Path $folder to.db
        $null = New-AlloyCmdbField cost_center Computer -Store $store
        $null = Get-AlloyScanServiceAction 2944 -Store $store | New-AlloyScanServiceAction Own
        Set-AlloyScanServiceAction 10001 -AddMapping 'cost_center = custom.costCenter' -Store $store
        $null = New-AlloyScanIdentificationRule Tag -Class Computer -Condition 'AssetTag matches' -Store $store
        $null = New-AlloyScanSyncJob HQ -ExistingComputerAction 10001 -ImportSoftware Windows -Store $store
    }

    It 'takes a job through the pipeline, and it runs there' {
        $job = Export-AlloyScanSyncJob HQ -Store $store | Import-AlloyScanSyncJob -Credential $site.Credential -Store $other
        $job.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Jobs.SyncJob'
        "$($job.ImportSoftware)" | Should -Be 'Windows'
        (Get-AlloyScanServiceAction $job.ExistingComputerAction -Store $other).Mappings.Field | Should -Contain 'cost_center'
        (Get-AlloyScanIdentificationRule Tag -Store $other).Class | Should -Be 'Computer'
        (Get-AlloyCmdbField -Custom -Store $other).Name | Should -Be 'cost_center'
        "$((Invoke-AlloyScanSync HQ -Store $other).Status)" | Should -Be 'Succeeded'
    }

    It 'gives the same text again' {
        $text = Export-AlloyScanSyncJob HQ -Store $store
        $text | Should -BeOfType string
        $text | Should -Not -BeLike "*$secret*"
        ($text | ConvertFrom-Json).version | Should -Be 1
        $null = $text | Import-AlloyScanSyncJob -Credential $site.Credential -Store $other
        Export-AlloyScanSyncJob HQ -Store $other | Should -Be $text
    }

    It 'writes files, one for each job in a folder' {
        $null = New-AlloyScanSyncJob 'A/B: C' -Store $store
        $files = Get-AlloyScanSyncJob -Store $store | Export-AlloyScanSyncJob -Path $folder -PassThru
        $files.Name | Should -Be 'A_B_ C.json', 'HQ.json'
        Get-ErrorId { Export-AlloyScanSyncJob HQ -Path $folder -Store $store } | Should -Be 'FileExists'
        Export-AlloyScanSyncJob HQ -Path $folder -Force -Store $store | Should -BeNullOrEmpty
        Get-ErrorId { Export-AlloyScanSyncJob HQ, 'A/B: C' -Path "$folder/both.json" -Force -Store $store } | Should -Be 'FileExists'
        Get-ErrorId { Export-AlloyScanSyncJob HQ -Path "$folder/none/HQ.json" -Store $store } | Should -Be 'FileUnwritable'
        Get-ErrorId { Export-AlloyScanSyncJob none -Store $store } | Should -Be 'JobNotFound'
        Export-AlloyScanSyncJob HQ -Path "$folder/whatif.json" -Store $store -WhatIf
        "$folder/whatif.json" | Should -Not -Exist
        (Get-ChildItem $folder/*.json -Exclude both.json | Import-AlloyScanSyncJob -Credential $site.Credential -Store $other).Name | Should -Be 'A/B: C', 'HQ'
    }

    It 'reads a file by path, and text line by line' {
        Export-AlloyScanSyncJob HQ -Path $folder/HQ.json -Store $store
        (Import-AlloyScanSyncJob $folder/HQ.json -Name One -ClientSecretVariable ALLOYSCAN_NOT_SET -Store $other -WarningVariable said -WarningAction SilentlyContinue).Name | Should -Be 'One'
        "$said" | Should -BeLike '*ALLOYSCAN_NOT_SET*'
        Set-Content $folder/secret.txt $secret
        $job = Get-Content $folder/HQ.json | Import-AlloyScanSyncJob -Name Two -ClientSecretFile $folder/secret.txt -Store $other
        "$($job.ClientSecret)" | Should -BeLike '*secret.txt'
        (Test-AlloyScanConnection -Job Two -Store $other).Succeeded | Should -BeTrue
        Get-ErrorId { Import-AlloyScanSyncJob $folder/none.json -Store $other } | Should -Be 'FileUnreadable'
    }

    It 'says that the secret is missing, and how to give it' {
        $record = Get-ErrorOf { Export-AlloyScanSyncJob HQ -Store $store | Import-AlloyScanSyncJob -Store $other }
        $record.FullyQualifiedErrorId | Should -BeLike 'SecretMissing,*'
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*-ClientSecretVariable*'
        Get-AlloyScanSyncJob -Store $other | Should -BeNullOrEmpty
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*-AppRegistration*'
        Get-ErrorId { 'x' | Import-AlloyScanSyncJob -Credential $site.Credential -ClientSecretVariable x -Store $other } | Should -Be 'SecretAmbiguous'
        Get-ErrorId { 'x' | Import-AlloyScanSyncJob -Vault Work -Store $other } | Should -Be 'CredentialMissing'
    }

    It 'takes site, client ID and secret from an app registration of the store, or the secret from a vault' {
        $text = Export-AlloyScanSyncJob HQ -Store $store
        $null = Add-AlloyScanAppRegistration Customer https://customer.example/c -ClientId customer -ClientSecretVariable CUSTOMER -Store $other
        $job = $text | Import-AlloyScanSyncJob -Name Customer -AppRegistration customer -Store $other
        $job.AppRegistration, $job.ClientId, "$($job.SiteUrl)", "$($job.ImportSoftware)" | Should -Be 'Customer', 'customer', 'https://customer.example/c', 'Windows'
        Get-ErrorId { $text | Import-AlloyScanSyncJob -Name Two -AppRegistration none -Store $other } | Should -Be 'AppRegistrationNotFound'
        "$(($text | Import-AlloyScanSyncJob -Name Three -VaultSecret hq -Vault Work -Store $other).ClientSecret)" | Should -Be "secret 'hq' of the vault 'Work'"
    }

    It 'overwrites with -Force only, and shows the steps with -WhatIf' {
        $text = Export-AlloyScanSyncJob HQ -Store $store
        $null = $text | Import-AlloyScanSyncJob -Credential $site.Credential -Store $other
        Get-ErrorId { $text | Import-AlloyScanSyncJob -Store $other } | Should -Be 'JobExists'
        Set-AlloyScanServiceAction -Id (Get-AlloyScanSyncJob HQ -Store $other).ExistingComputerAction -RemoveMapping cost_center -Store $other
        Get-ErrorId { $text | Import-AlloyScanSyncJob -Name Second -Credential $site.Credential -Store $other } | Should -Be 'ImportWouldOverwrite'
        $said = Invoke-Pwsh "Import-Module `$module; Export-AlloyScanSyncJob HQ -Store '$store' | Import-AlloyScanSyncJob -Store '$other' -Force -WhatIf"
        "$said" | Should -BeLike "What if:*change the service action #10001 Own*overwrite the job 'HQ'*"
        (Get-AlloyScanServiceAction 10001 -Store $other).Mappings.Field | Should -Not -Contain 'cost_center'
        $text | Import-AlloyScanSyncJob -Store $other -Force | Should -Not -BeNullOrEmpty
        (Get-AlloyScanServiceAction 10001 -Store $other).Mappings.Field | Should -Contain 'cost_center'
        (Test-AlloyScanConnection -Job HQ -Store $other).Succeeded | Should -BeTrue -Because 'the job that was overwritten had the secret'
    }

    It 'refuses <What> with <Id>' -ForEach @(
        @{ What = 'other text'; Id = 'NotAJobFile'; Change = { 'something else' } }
        @{ What = 'other JSON'; Id = 'NotAJobFile'; Change = { '{ "a": 1 }' } }
        @{ What = 'nothing'; Id = 'NotAJobFile'; Change = { '' } }
        @{ What = 'a newer version'; Id = 'JobFileTooNew'; Change = { $args[0] -replace '"version": 1', '"version": 2' } }
        @{ What = 'an unknown member'; Id = 'UnknownJobFileMember'; Change = { $args[0] -replace '"enabled"', '"color": "red", "enabled"' } }
    ) {
        $text = & $Change (Export-AlloyScanSyncJob HQ -Store $store)
        Get-ErrorId { $text | Import-AlloyScanSyncJob -Credential $site.Credential -Store $other } | Should -Be $Id
        Get-AlloyScanSyncJob -Store $other | Should -BeNullOrEmpty
    }
}

Describe 'Copy-AlloyScanSyncJob' {
    BeforeAll {
        $copies = Join-Path $TestDrive 'copies.db'
        $secret = ConvertTo-SecureString 'copy-secret-1' -AsPlainText -Force
        $original = New-AlloyScanSyncJob HQ -SiteUrl https://site.example/hq -Credential ([pscredential]::new('client', $secret)) -ImportSoftware Windows -RetireAfterDays 9 -Store $copies
    }

    AfterEach {
        Get-AlloyScanSyncJob -Store $copies | Where-Object Name -NE HQ | Remove-AlloyScanSyncJob
    }

    It 'copies all settings under another name, disabled' {
        $copy = Copy-AlloyScanSyncJob HQ 'HQ 2' -Store $copies
        $copy.Name, $copy.Enabled, $copy.RetireAfterDays, $copy.Site, $copy.ClientId | Should -Be 'HQ 2', $false, 9, $original.Site, 'client'
        [string]$copy.ImportSoftware | Should -Be 'Windows'
        (Compare-Object $original $copy -Property ($original.PSObject.Properties.Name | Where-Object { $_ -notin 'Id', 'Name', 'Enabled', 'CreatedAt', 'UpdatedAt' })) | Should -BeNullOrEmpty
    }

    It 'takes other settings, another site and another registration' {
        $copy = Copy-AlloyScanSyncJob HQ Branch -SiteUrl https://site.example/branch -ClientId other -ClientSecretVariable BRANCH_SECRET -RetireAfterDays 3 -Enabled -Store $copies
        $copy.SiteUrl, $copy.ClientId, $copy.RetireAfterDays, $copy.Enabled | Should -Be 'https://site.example/branch', 'other', 3, $true
        "$($copy.ClientSecret)" | Should -Be 'environment variable BRANCH_SECRET'
        $copy.Site | Should -Not -Be $original.Site
    }

    It 'names each of several copies' {
        $null = Copy-AlloyScanSyncJob HQ HQ2 -Store $copies
        (Get-AlloyScanSyncJob HQ* -Store $copies | Copy-AlloyScanSyncJob -NewName { "$($_.Name) night" }).Name | Should -Be 'HQ night', 'HQ2 night'
    }

    It 'changes nothing with -WhatIf, and says what is wrong' {
        Copy-AlloyScanSyncJob HQ HQ2 -Store $copies -WhatIf
        (Get-AlloyScanSyncJob -Store $copies).Name | Should -Be 'HQ'
        Get-ErrorId { Copy-AlloyScanSyncJob none HQ2 -Store $copies } | Should -Be 'JobNotFound'
        Get-ErrorId { Copy-AlloyScanSyncJob HQ hq -Store $copies } | Should -Be 'JobExists'
        Get-ErrorId { Copy-AlloyScanSyncJob HQ HQ2 -SiteUrl http://site.example/ -Store $copies } | Should -Be 'InsecureSiteUrl'
    }
}
